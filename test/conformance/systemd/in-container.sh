#!/bin/bash
# Runs inside the container that systemd.test.ts boots, as root, once systemd is up; the log is /mnt/result/log.
set -euxo pipefail
exec > /mnt/result/log 2>&1

state=/var/lib/selvedge-coordinator
device=/var/lib/selvedge-agent
selvedge() { runuser -u selvedge -- /opt/selvedge/selvedge "$@"; }
show() { systemctl show --value --property="$2" "$1"; }
# Asks again until it is so, for at most a minute.
until_so() { for _ in $(seq 240); do "$@" && return; sleep 0.25; done; return 1; }

# As docs/how-to/systemd.md says.
systemd-sysusers /opt/selvedge/deploy/systemd/selvedge.sysusers.conf
install -d /etc/selvedge
echo 'SELVEDGE_OPTIONS="--name 127.0.0.1"' > /etc/selvedge/coordinator.env
systemctl start selvedge-coordinator
selvedge token create --state $state > /run/token
install -d -o selvedge -g selvedge -m 700 $device
selvedge join https://127.0.0.1:7443 --token-file - --folder $device < /run/token
systemctl start selvedge-agent

online() { selvedge status --state $state --json | grep -q '"devicesOnline":1'; }
until_so online
for unit in selvedge-coordinator selvedge-agent; do
  echo "$unit $(show $unit ActiveState) $(show $unit NotifyAccess) watchdog=$(show $unit WatchdogUSec)" >> /mnt/result/states
done

# A hung agent is noticed and started again. Its WatchdogSec is cut, for a test that ends.
install -d /run/systemd/system/selvedge-agent.service.d
printf '[Service]\nWatchdogSec=4\nTimeoutAbortSec=1\nRestartSec=0\n' > /run/systemd/system/selvedge-agent.service.d/short.conf
systemctl daemon-reload
systemctl restart selvedge-agent
first=$(show selvedge-agent MainPID)
# Longer than the watchdog's time: alive because it says so.
sleep 6
echo "alive $([ "$(show selvedge-agent MainPID)" = "$first" ] && echo same)" >> /mnt/result/states
# The launcher too, which stays as its parent where Node is older than 22.15.
systemctl kill --kill-whom=all --signal=STOP selvedge-agent
restarted() { [ "$(show selvedge-agent NRestarts)" -ge 1 ] && [ "$(show selvedge-agent ActiveState)" = active ]; }
until_so restarted
until_so online
echo "hung restarted $(show selvedge-agent Result)" >> /mnt/result/states

systemctl stop selvedge-agent selvedge-coordinator
for unit in selvedge-coordinator selvedge-agent; do
  echo "$unit stopped $(show $unit Result) $(show $unit ExecMainStatus)" >> /mnt/result/states
done
