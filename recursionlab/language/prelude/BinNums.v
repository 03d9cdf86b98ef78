(* Coq.Numbers.BinNums: binary numbers, least significant digit outermost. *)

Inductive positive : Set :=
  xI : positive -> positive | xO : positive -> positive | xH : positive.

Inductive N : Set := N0 : N | Npos : positive -> N.

Inductive Z : Set := Z0 : Z | Zpos : positive -> Z | Zneg : positive -> Z.
