import type { GradientCase, GradientCaseTable } from "../gradient-case.ts";
import type { Shape } from "../shape.ts";

const sizes = { n: 2, t: 3 };

export const einsumCases: GradientCaseTable<"Einsum"> = {
  Einsum: [
    contraction("ij,jk->ik", ["n", 3], [3, 4]),
    contraction("ij,kj->ki", [2, 3], [4, 3]),
    contraction("i,i->", [3], [3]),
    contraction("i,ij->j", [3], [3, 2]),
    contraction("bij,bjk->bik", ["n", 2, 3], ["n", 3, 2]),
    contraction("bid,bjd->bij", ["n", "t", 2], ["n", "t", 2]),
    contraction("bqhd,bkhd->bhqk", ["n", 2, 3, 2], ["n", 3, 3, 2]),
    contraction("bhqk,bkhd->bqhd", ["n", 2, 3, 4], ["n", 4, 2, 3]),
    contraction("bhqk,bkhd->bqhd", ["n", 2, "t", "t"], ["n", "t", 2, 3]),
    contraction("btd,dhk->bthk", ["n", "t", 3], [3, 2, 2]),
    contraction("bthk,hkd->btd", ["n", "t", 2, 2], [2, 2, 3]),
    contraction("de,bhid->bhie", [3, 2], ["n", 2, 2, 3]),
    contraction("bhwc,hkc->bhwk", ["n", 2, 3, 4], [2, 2, 4]),
    contraction("nchw,co->nohw", ["n", 2, 2, 3], [2, 3]),
    contraction("nctv,vw->nctw", ["n", 2, 3, 4], [4, 3]),
    contraction("i,j->ij", [2], [3]),
    contraction("bi,bj->bij", ["n", 2], ["n", 3]),
    contraction("bij,bj->bij", ["n", 2, 3], ["n", 3]),
    contraction("bn,anm,bm->ba", ["n", 2], [3, 2, 4], ["n", 4]),
    contraction("ij->ji", [2, 3]),
    contraction("bij->b", ["n", 2, 3]),
    contraction("ii->i", [3, 3]),
    contraction("bii->b", ["n", 3, 3]),
    contraction("...ij,...jk->...ik", ["n", 2, 2, 3], ["n", 2, 3, 2]),
    contraction("...ij,...jk->...ik", ["n", 2, 2, 3], [1, 2, 3, 2]),
    { ...contraction("...ij,...jk->...ik", ["n", 2, 2, 3], [2, 3, 2]), kernel: false },
    contraction("...i,ij", ["n", 2, 3], [3, 2]),
    contraction("ba,b", [2, 3], [2]),
    contraction("ij,kl->jl", [2, 3], [2, 4]),
  ],
};

function contraction(equation: string, ...inputs: readonly Shape[]): GradientCase<"Einsum"> {
  const unknown = inputs.some((shape) => shape.includes("t")) ? " of unknown size" : "";
  return { name: `${equation}${unknown}`, inputs, sizes, attributes: { equation } };
}
