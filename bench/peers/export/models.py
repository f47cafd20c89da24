"""The models, as their users write them, at widths small enough to commit."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def two_layer_perceptron(inputs=64, width=24):
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )


def fedavg_cnn(side=12, channels=(4, 8), hidden=32):
    """McMahan et al. 2017, section 3."""
    first, second = channels
    return nn.Sequential(
        nn.Conv2d(1, first, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(first, second, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(second * (side // 4) ** 2, hidden),
        nn.ReLU(),
        nn.Linear(hidden, 10),
    )


def lenet(side=20, channels=(3, 8), hidden=(24, 16)):
    """LeCun et al. 1998: tanh and average pooling."""
    first, second = channels
    return nn.Sequential(
        nn.Conv2d(1, first, 5, padding=2),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(first, second, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(second * ((side // 2 - 4) // 2) ** 2, hidden[0]),
        nn.Tanh(),
        nn.Linear(hidden[0], hidden[1]),
        nn.Tanh(),
        nn.Linear(hidden[1], 10),
    )


def sensor_cnn():
    """1-D convolutions over windows of six sensor channels."""
    return nn.Sequential(
        nn.Conv1d(6, 12, 5, padding=2),
        nn.BatchNorm1d(12),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Conv1d(12, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv1d(16, 16, 3, padding=2, dilation=2, groups=2),
        nn.LeakyReLU(0.1),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(16, 6),
    )


class BasicBlock(nn.Module):
    def __init__(self, before, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != width:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet20(nn.Module):
    """He et al. 2016, section 4.2: three stages of three blocks."""

    def __init__(self, widths=(3, 6, 9)):
        super().__init__()
        self.conv = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(widths[0])
        blocks, before = [], widths[0]
        for stage, width in enumerate(widths):
            for block in range(3):
                blocks.append(BasicBlock(before, width, 2 if stage > 0 and block == 0 else 1))
                before = width
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(before, 10)

    def forward(self, x):
        y = self.blocks(F.relu(self.bn(self.conv(x))))
        return self.head(y.mean(dim=(2, 3)))


class InvertedResidual(nn.Module):
    def __init__(self, before, width, stride, expand):
        super().__init__()
        hidden = before * expand
        self.skip = stride == 1 and before == width
        self.layers = nn.Sequential(
            nn.Conv2d(before, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.Hardswish(),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.Hardswish(),
            nn.Conv2d(hidden, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x):
        return x + self.layers(x) if self.skip else self.layers(x)


class MobileNetV2(nn.Module):
    """Sandler et al. 2018, with ReLU6 first and HardSwish inside."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1, bias=False), nn.BatchNorm2d(6), nn.ReLU6())
        self.blocks = nn.Sequential(
            InvertedResidual(6, 6, 1, 2), InvertedResidual(6, 8, 2, 3), InvertedResidual(8, 8, 1, 3)
        )
        self.head = nn.Sequential(nn.Conv2d(8, 24, 1, bias=False), nn.BatchNorm2d(24), nn.Hardswish())
        self.classifier = nn.Sequential(nn.Dropout(0.0), nn.Linear(24, 5))

    def forward(self, x):
        y = self.head(self.blocks(self.stem(x)))
        return self.classifier(F.adaptive_avg_pool2d(y, 1).flatten(1))


class CharRecurrent(nn.Module):
    """Embedding, two recurrent layers, scores of the next character."""

    def __init__(self, kind, vocabulary=20, width=8, hidden=12, layers=2, bidirectional=False):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.recurrent = kind(width, hidden, layers, batch_first=True, bidirectional=bidirectional)
        self.head = nn.Linear(hidden * (2 if bidirectional else 1), vocabulary)

    def forward(self, tokens):
        states, _ = self.recurrent(self.embedding(tokens))
        return self.head(states[:, -1])


class SensorTransformer(nn.Module):
    """Encoder over windows of sensor readings, classified by the mean of its states."""

    def __init__(self, channels=6, length=16, width=16, classes=5):
        super().__init__()
        self.project = nn.Linear(channels, width)
        self.position = nn.Parameter(torch.randn(1, length, width) * 0.1)
        layer = nn.TransformerEncoderLayer(
            width, 2, 32, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        states = self.encoder(self.project(x) + self.position)
        return self.head(self.norm(states).mean(dim=1))


class DecoderLayer(nn.Module):
    def __init__(self, width, heads, length):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.register_buffer("mask", torch.ones(length, length, dtype=torch.bool).tril(), persistent=False)

    def forward(self, x):
        length, width = x.shape[1], x.shape[2]
        q, k, v = (
            part.unflatten(2, (self.heads, width // self.heads)).transpose(1, 2)
            for part in self.qkv(self.norm1(x)).chunk(3, dim=2)
        )
        weights = q @ k.transpose(2, 3) / math.sqrt(width // self.heads)
        weights = weights.masked_fill(~self.mask[:length, :length], float("-inf")).softmax(dim=-1)
        x = x + self.out((weights @ v).transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class LanguageModel(nn.Module):
    """Decoder-only, learned positions, scores of the next token at each position."""

    def __init__(self, vocabulary=20, length=12, width=16, heads=2, layers=2):
        super().__init__()
        self.token = nn.Embedding(vocabulary, width)
        self.position = nn.Embedding(length, width)
        self.layers = nn.Sequential(*(DecoderLayer(width, heads, length) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens):
        x = self.token(tokens) + self.position(torch.arange(tokens.shape[1]))
        return self.head(self.norm(self.layers(x)))


class GatedDecoder(nn.Module):
    """A decoder as of current language models: rotary positions, root-mean-square norms, gated units, fused attention."""

    def __init__(self, vocabulary=11, width=8, heads=2, inner=16):
        super().__init__()
        self.heads = heads
        self.token = nn.Embedding(vocabulary, width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate, self.up = nn.Linear(width, inner, bias=False), nn.Linear(width, inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)
        self.norm1, self.norm2 = nn.Parameter(torch.ones(width)), nn.Parameter(torch.ones(width))
        self.head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens):
        x = self.token(tokens)
        width, length = x.shape[2], x.shape[1]
        size = width // self.heads
        rates = 10_000.0 ** (-torch.arange(0, size, 2, dtype=torch.float32) / size)
        angles = torch.outer(torch.arange(length, dtype=torch.float32), rates).repeat(1, 2).to(x.dtype)
        q, k, v = (
            part.unflatten(2, (self.heads, size)).transpose(1, 2)
            for part in self.qkv(self.normalised(x, self.norm1)).chunk(3, dim=2)
        )
        q, k = self.rotated(q, angles), self.rotated(k, angles)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(seen.transpose(1, 2).flatten(2))
        y = self.normalised(x, self.norm2)
        return self.head(x + self.down(F.silu(self.gate(y)) * self.up(y)))

    @staticmethod
    def normalised(x, scale):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * scale

    @staticmethod
    def rotated(x, angles):
        left, right = x.chunk(2, dim=-1)
        return x * angles.cos() + torch.cat([-right, left], dim=-1) * angles.sin()


class PaddedAttention(nn.Module):
    """Sentences of different lengths, zeros after their last word, which nothing attends to."""

    def __init__(self, vocabulary=11, width=8, classes=4):
        super().__init__()
        self.token = nn.Embedding(vocabulary, width, padding_idx=0)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.head = nn.Linear(width, classes)

    def forward(self, tokens):
        x, is_padding = self.token(tokens), tokens == 0
        y, _ = self.attention(x, x, x, key_padding_mask=is_padding, need_weights=False)
        words = (~is_padding).unsqueeze(-1).to(y.dtype)
        return self.head((y * words).sum(1) / words.sum(1).clamp(min=1))


class MixtureOfExperts(nn.Module):
    """Each example goes to the two of four experts that score highest."""

    def __init__(self, width=6, inner=8, experts=4, classes=3):
        super().__init__()
        self.score = nn.Linear(width, experts)
        self.experts = nn.Parameter(torch.randn(experts, width, inner) * 0.3)
        self.head = nn.Linear(inner, classes)

    def forward(self, x):
        scores = self.score(x)
        best, places = torch.topk(scores, 2, dim=-1)
        weights = torch.zeros_like(scores).scatter(1, places, best.softmax(-1))
        return self.head(F.relu(torch.einsum("be,bi,eio->bo", weights, x, self.experts)))


class DenselyConnected(nn.Module):
    """Each layer sees all before it; normalized by groups, which needs no statistics of a batch."""

    def __init__(self, growth=4, classes=4):
        super().__init__()
        self.stem = nn.Conv2d(1, growth, 3, padding=1)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.GroupNorm(2, growth * count), nn.ELU(), nn.Conv2d(growth * count, growth, 3, padding="same")
            )
            for count in (1, 2)
        )
        self.head = nn.Linear(3 * growth, classes)

    def forward(self, x):
        maps = [self.stem(x)]
        for layer in self.layers:
            maps.append(layer(torch.cat(maps, dim=1)))
        return self.head(F.adaptive_avg_pool2d(torch.cat(maps, dim=1), 1).flatten(1))


class ElmanRecurrent(nn.Module):
    """Two directions of a plain recurrent network, which the newer exporter writes out step by step."""

    def __init__(self, width=3, hidden=4, classes=3):
        super().__init__()
        self.recurrent = nn.RNN(width, hidden, batch_first=True, bidirectional=True, nonlinearity="relu")
        self.head = nn.Linear(2 * hidden, classes)

    def forward(self, x):
        _, final = self.recurrent(x)
        return self.head(torch.cat([final[0], final[1]], dim=1))


class Tabular(nn.Module):
    """Two columns of categories, embedded, beside four of numbers; all in one float input."""

    def __init__(self, categories=(7, 4), numbers=4, width=4, classes=3):
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(count, width) for count in categories)
        self.norm = nn.BatchNorm1d(numbers)
        self.layers = nn.Sequential(
            nn.Linear(len(categories) * width + numbers, 24), nn.SiLU(), nn.Linear(24, classes)
        )

    def forward(self, x):
        count = len(self.embeddings)
        codes = x[:, :count].long()
        embedded = [embed(codes[:, column]) for column, embed in enumerate(self.embeddings)]
        return self.layers(torch.cat([*embedded, self.norm(x[:, count:])], dim=1))


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(
            nn.Conv2d(1, 6, 3, 2, 1), nn.ReLU(), nn.Conv2d(6, 10, 3, 2, 1), nn.ReLU()
        )
        self.decode = nn.Sequential(
            nn.ConvTranspose2d(10, 6, 3, 2, 1, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(6, 1, 2, 2),
            nn.Sigmoid(),
        )

    def forward(self, x):
        return self.decode(self.encode(x))


class UNet(nn.Module):
    """Two levels: skip connections, one transposed convolution and one upsampling."""

    def __init__(self, classes=3):
        super().__init__()
        self.down1, self.down2 = self.block(1, 6), self.block(6, 10)
        self.bottom = self.block(10, 14)
        self.up2, self.join2 = nn.ConvTranspose2d(14, 10, 2, 2), self.block(20, 10)
        self.join1 = self.block(16, 6)
        self.head = nn.Conv2d(6, classes, 1)

    @staticmethod
    def block(before, width):
        return nn.Sequential(nn.Conv2d(before, width, 3, padding=1), nn.InstanceNorm2d(width, affine=True), nn.ReLU())

    def forward(self, x):
        first = self.down1(x)
        second = self.down2(F.max_pool2d(first, 2))
        bottom = self.bottom(F.max_pool2d(second, 2))
        y = self.join2(torch.cat([self.up2(bottom), second], dim=1))
        y = self.join1(torch.cat([F.interpolate(y, scale_factor=2, mode="nearest"), first], dim=1))
        return self.head(y)
