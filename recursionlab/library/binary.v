(* Binary numbers: successor, predecessor, addition, and how far a carry runs.

   The type is Coq's own: xH is 1, xO p is 2p, xI p is 2p + 1; the outermost constructor is the
   least significant digit. The last section measures where models of the successor fail. *)

From Coq Require Import BinNums.

(* Successor. Coq standard library, Pos.succ; the task of arXiv 2305.14699 and 2401.12947. *)
Fixpoint succ (p : positive) : positive :=
  match p with
  | xI q => xO (succ q)
  | xO q => xI q
  | xH => xO xH
  end.

Example succ_1 : succ xH = xO xH. Proof. reflexivity. Qed.
Example succ_7 : succ (xI (xI xH)) = xO (xO (xO xH)). Proof. reflexivity. Qed.
Example succ_6 : succ (xO (xI xH)) = xI (xI xH). Proof. reflexivity. Qed.

(* Twice a number minus one. Coq standard library, Pos.pred_double. *)
Fixpoint pred_double (p : positive) : positive :=
  match p with
  | xI q => xI (xO q)
  | xO q => xI (pred_double q)
  | xH => xH
  end.

Example pred_double_4 : pred_double (xO (xO xH)) = xI (xI xH). Proof. reflexivity. Qed.

(* Predecessor; 1 stays 1. Coq standard library, Pos.pred. *)
Definition pred (p : positive) : positive :=
  match p with
  | xI q => xO q
  | xO q => pred_double q
  | xH => xH
  end.

Example pred_8 : pred (xO (xO (xO xH))) = xI (xI xH). Proof. reflexivity. Qed.
Example pred_1 : pred xH = xH. Proof. reflexivity. Qed.
Example pred_succ : pred (succ (xI (xO xH))) = xI (xO xH). Proof. reflexivity. Qed.

(* Addition, and addition plus one. Coq standard library, Pos.add and Pos.add_carry. *)
Fixpoint add (p q : positive) : positive :=
  match p, q with
  | xI p', xI q' => xO (add_carry p' q')
  | xI p', xO q' => xI (add p' q')
  | xI p', xH => xO (succ p')
  | xO p', xI q' => xI (add p' q')
  | xO p', xO q' => xO (add p' q')
  | xO p', xH => xI p'
  | xH, xI q' => xO (succ q')
  | xH, xO q' => xI q'
  | xH, xH => xO xH
  end
with add_carry (p q : positive) : positive :=
  match p, q with
  | xI p', xI q' => xI (add_carry p' q')
  | xI p', xO q' => xO (add_carry p' q')
  | xI p', xH => xI (succ p')
  | xO p', xI q' => xO (add_carry p' q')
  | xO p', xO q' => xI (add p' q')
  | xO p', xH => xO (succ p')
  | xH, xI q' => xI (succ q')
  | xH, xO q' => xO (succ q')
  | xH, xH => xI xH
  end.

Example add_5_3 : add (xI (xO xH)) (xI xH) = xO (xO (xO xH)). Proof. reflexivity. Qed.
Example add_2_4 : add (xO xH) (xO (xO xH)) = xO (xI xH). Proof. reflexivity. Qed.
Example add_carry_1_1 : add_carry xH xH = xI xH. Proof. reflexivity. Qed.

(* Addition under the name of Coq's older library. *)
Definition plus (p q : positive) : positive := add p q.

Example plus_1_2 : plus xH (xO xH) = xI xH. Proof. reflexivity. Qed.

(* Measure: over how many digits the carry of succ runs. *)
Fixpoint carry (p : positive) : nat :=
  match p with
  | xI q => S (carry q)
  | xO q => 0
  | xH => 1
  end.

Example carry_7 : carry (xI (xI xH)) = 3. Proof. reflexivity. Qed.
Example carry_4 : carry (xO (xO xH)) = 0. Proof. reflexivity. Qed.
Example carry_11 : carry (xI (xI (xO xH))) = 2. Proof. reflexivity. Qed.

(* Measure: over how many digits the borrow of pred runs. *)
Fixpoint borrow (p : positive) : nat :=
  match p with
  | xI q => 0
  | xO q => S (borrow q)
  | xH => 0
  end.

Example borrow_8 : borrow (xO (xO (xO xH))) = 3. Proof. reflexivity. Qed.

(* Number of digits. Coq standard library, Pos.size_nat. *)
Fixpoint digits (p : positive) : nat :=
  match p with
  | xI q => S (digits q)
  | xO q => S (digits q)
  | xH => 1
  end.

Example digits_6 : digits (xO (xI xH)) = 3. Proof. reflexivity. Qed.

(* Whether all digits are 1, so that succ makes the number longer. *)
Fixpoint all_ones (p : positive) : bool :=
  match p with
  | xI q => all_ones q
  | xO q => false
  | xH => true
  end.

Example all_ones_7 : all_ones (xI (xI xH)) = true. Proof. reflexivity. Qed.
Example all_ones_5 : all_ones (xI (xO xH)) = false. Proof. reflexivity. Qed.
