(* Recursion that follows no structure, bounded by fuel: what the guard condition refuses as it
   is usually written, and accepts with one more argument. *)

From Coq Require Import List PeanoNat.
Import ListNotations.

(* Greatest common divisor by subtraction. Euclid, Elements VII. *)
Fixpoint gcd_subtract (fuel n m : nat) : nat :=
  match fuel with
  | O => n + m
  | S fuel' =>
      match Nat.compare n m with
      | Eq => n
      | Lt => match n with O => m | S _ => gcd_subtract fuel' n (m - n) end
      | Gt => match m with O => n | S _ => gcd_subtract fuel' (n - m) m end
      end
  end.

Example gcd_subtract_12_18 : gcd_subtract 30 12 18 = 6. Proof. reflexivity. Qed.
Example gcd_subtract_0_5 : gcd_subtract 1 0 5 = 5. Proof. reflexivity. Qed.
Example gcd_subtract_dry : gcd_subtract 0 2 3 = 5. Proof. reflexivity. Qed.

(* Greatest common divisor by remainders. Euclid, Elements VII; Coq standard library, Nat.gcd. *)
Fixpoint gcd_remainder (fuel n m : nat) : nat :=
  match fuel, n with
  | S fuel', S _ => gcd_remainder fuel' (Nat.modulo m n) n
  | _, _ => m
  end.

Example gcd_remainder_12_18 : gcd_remainder 13 12 18 = 6. Proof. reflexivity. Qed.
Example gcd_remainder_0_5 : gcd_remainder 1 0 5 = 5. Proof. reflexivity. Qed.

(* Quotient by repeated subtraction; by 0 it is what the fuel allows. Textbook. *)
Fixpoint quotient (fuel n m : nat) : nat :=
  match fuel with
  | O => 0
  | S fuel' => if m <=? n then S (quotient fuel' (n - m) m) else 0
  end.

Example quotient_7_2 : quotient 7 7 2 = 3. Proof. reflexivity. Qed.
Example quotient_1_2 : quotient 1 1 2 = 0. Proof. reflexivity. Qed.
Example quotient_by_0 : quotient 4 7 0 = 4. Proof. reflexivity. Qed.

(* Steps of n/2 and 3n+1 down to 1; none where the fuel does not reach it. Collatz (1937). *)
Fixpoint collatz (fuel n : nat) : option nat :=
  match fuel with
  | O => None
  | S fuel' =>
      if n <=? 1
      then Some 0
      else option_map S (collatz fuel' (if Nat.even n then Nat.div2 n else 3 * n + 1))
  end.

Example collatz_1 : collatz 1 1 = Some 0. Proof. reflexivity. Qed.
Example collatz_6 : collatz 9 6 = Some 8. Proof. reflexivity. Qed.
Example collatz_dry : collatz 8 6 = None. Proof. reflexivity. Qed.

(* How often a number can be halved. Textbook: the binary logarithm, rounded down. *)
Fixpoint logarithm (fuel n : nat) : nat :=
  match fuel with
  | O => 0
  | S fuel' => if n <=? 1 then 0 else S (logarithm fuel' (Nat.div2 n))
  end.

Example logarithm_1 : logarithm 1 1 = 0. Proof. reflexivity. Qed.
Example logarithm_9 : logarithm 9 9 = 3. Proof. reflexivity. Qed.

(* The digits of a number in a base above 1, least significant first. Textbook. *)
Fixpoint digits (fuel base n : nat) : list nat :=
  match fuel, n with
  | S fuel', S _ => Nat.modulo n base :: digits fuel' base (Nat.div n base)
  | _, _ => []
  end.

Example digits_0 : digits 3 10 0 = []. Proof. reflexivity. Qed.
Example digits_120 : digits 9 3 12 = [0; 1; 1]. Proof. reflexivity. Qed.

(* The least number from n on that passes a test; none where the fuel ends before. Kleene (1936):
   minimisation. *)
Fixpoint search (fuel : nat) (test : nat -> bool) (n : nat) : option nat :=
  match fuel with
  | O => None
  | S fuel' => if test n then Some n else search fuel' test (S n)
  end.

Example search_4 : search 9 (fun n => 10 <=? n * n) 0 = Some 4. Proof. reflexivity. Qed.
Example search_none : search 3 (fun n => 10 <=? n * n) 0 = None. Proof. reflexivity. Qed.
