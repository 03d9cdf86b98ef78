(* Nested recursion: functions whose recursive calls stand inside each other. *)

From Coq Require Import List.
Import ListNotations.

(* Ackermann's function in the two-argument form of Péter (1935): an outer recursion on m and an
   inner one on n. *)
Fixpoint ackermann (m : nat) : nat -> nat :=
  match m with
  | O => S
  | S m' =>
      fix inner (n : nat) : nat :=
        match n with
        | O => ackermann m' 1
        | S n' => ackermann m' (inner n')
        end
  end.

Example ackermann_0_0 : ackermann 0 0 = 1. Proof. reflexivity. Qed.
Example ackermann_1_2 : ackermann 1 2 = 4. Proof. reflexivity. Qed.
Example ackermann_2_3 : ackermann 2 3 = 9. Proof. reflexivity. Qed.
Example ackermann_3_2 : ackermann 3 2 = 29. Proof. reflexivity. Qed.

(* A function done n times. Coq standard library, Nat.iter. *)
Fixpoint iterate {A : Type} (n : nat) (f : A -> A) (x : A) : A :=
  match n with
  | O => x
  | S m => f (iterate m f x)
  end.

Example iterate_0 : iterate 0 S 5 = 5. Proof. reflexivity. Qed.
Example iterate_3 : iterate 3 S 5 = 8. Proof. reflexivity. Qed.

(* Ackermann's function by iteration: no recursion inside another. Textbook. *)
Fixpoint ackermann_iterated (m n : nat) : nat :=
  match m with
  | O => S n
  | S m' => iterate (S n) (ackermann_iterated m') 1
  end.

Example ackermann_iterated_0_4 : ackermann_iterated 0 4 = 5. Proof. reflexivity. Qed.
Example ackermann_iterated_2_3 : ackermann_iterated 2 3 = 9. Proof. reflexivity. Qed.

(* Successor, sum, product, power, tower by level. Goodstein (1947): hyperoperations. *)
Fixpoint hyper (level x : nat) : nat -> nat :=
  match level with
  | O => S
  | S below =>
      fix inner (y : nat) : nat :=
        match y with
        | O => match below with O => x | S O => 0 | S (S _) => 1 end
        | S y' => hyper below x (inner y')
        end
  end.

Example hyper_0 : hyper 0 9 4 = 5. Proof. reflexivity. Qed.
Example hyper_sum : hyper 1 3 4 = 7. Proof. reflexivity. Qed.
Example hyper_product : hyper 2 3 4 = 12. Proof. reflexivity. Qed.
Example hyper_power : hyper 3 2 5 = 32. Proof. reflexivity. Qed.
Example hyper_tower : hyper 4 2 2 = 4. Proof. reflexivity. Qed.

(* McCarthy's 91 function with fuel: its argument grows before it shrinks.
   Manna and McCarthy (1969). *)
Fixpoint ninety_one (fuel n : nat) : option nat :=
  match fuel with
  | O => None
  | S fuel' =>
      if Nat.leb n 100
      then match ninety_one fuel' (n + 11) with
           | None => None
           | Some m => ninety_one fuel' m
           end
      else Some (n - 10)
  end.

Example ninety_one_of_95 : ninety_one 40 95 = Some 91. Proof. reflexivity. Qed.
Example ninety_one_of_102 : ninety_one 1 102 = Some 92. Proof. reflexivity. Qed.
Example ninety_one_dry : ninety_one 1 95 = None. Proof. reflexivity. Qed.

(* Ackermann's function with the calls that wait on a stack; the last one is on top.
   Fuel bounds the steps. Textbook. *)
Fixpoint ackermann_stack (fuel : nat) (stack : list nat) (n : nat) : option nat :=
  match fuel, stack with
  | _, [] => Some n
  | O, _ => None
  | S fuel', O :: rest => ackermann_stack fuel' rest (S n)
  | S fuel', S m :: rest =>
      match n with
      | O => ackermann_stack fuel' (m :: rest) 1
      | S n' => ackermann_stack fuel' (S m :: m :: rest) n'
      end
  end.

Example ackermann_stack_2_3 : ackermann_stack 50 [2] 3 = Some 9. Proof. reflexivity. Qed.
Example ackermann_stack_0 : ackermann_stack 0 [] 3 = Some 3. Proof. reflexivity. Qed.
Example ackermann_stack_dry : ackermann_stack 5 [2] 3 = None. Proof. reflexivity. Qed.
