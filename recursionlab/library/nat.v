(* Unary numbers: the arithmetic that recursion on nat defines, one equation a constructor.

   Values are Coq's nat: O is 0, S n is n + 1. The functions are written with O and S alone. *)

(* Twice a number. Textbook; Coq standard library, Nat.double. *)
Fixpoint double (n : nat) : nat :=
  match n with
  | O => O
  | S m => S (S (double m))
  end.

Example double_0 : double 0 = 0. Proof. reflexivity. Qed.
Example double_3 : double 3 = 6. Proof. reflexivity. Qed.

(* Half of a number, rounded down: a step of two. Coq standard library, Nat.div2. *)
Fixpoint half (n : nat) : nat :=
  match n with
  | S (S m) => S (half m)
  | S O | O => O
  end.

Example half_0 : half 0 = 0. Proof. reflexivity. Qed.
Example half_1 : half 1 = 0. Proof. reflexivity. Qed.
Example half_7 : half 7 = 3. Proof. reflexivity. Qed.

(* Sum. Coq standard library, Nat.add. *)
Fixpoint add (n m : nat) : nat :=
  match n with
  | O => m
  | S n' => S (add n' m)
  end.

Example add_0_2 : add 0 2 = 2. Proof. reflexivity. Qed.
Example add_3_2 : add 3 2 = 5. Proof. reflexivity. Qed.

(* Sum with an accumulator: the second argument takes the first one's constructors over.
   Coq standard library, Nat.tail_add. *)
Fixpoint add_onto (n m : nat) : nat :=
  match n with
  | O => m
  | S n' => add_onto n' (S m)
  end.

Example add_onto_0_2 : add_onto 0 2 = 2. Proof. reflexivity. Qed.
Example add_onto_3_2 : add_onto 3 2 = 5. Proof. reflexivity. Qed.

(* Difference, 0 where it would be negative. Coq standard library, Nat.sub. *)
Fixpoint subtract (n m : nat) : nat :=
  match n, m with
  | S n', S m' => subtract n' m'
  | _, _ => n
  end.

Example subtract_5_2 : subtract 5 2 = 3. Proof. reflexivity. Qed.
Example subtract_2_5 : subtract 2 5 = 0. Proof. reflexivity. Qed.

(* Product. Coq standard library, Nat.mul. *)
Fixpoint multiply (n m : nat) : nat :=
  match n with
  | O => O
  | S n' => add m (multiply n' m)
  end.

Example multiply_0_3 : multiply 0 3 = 0. Proof. reflexivity. Qed.
Example multiply_3_4 : multiply 3 4 = 12. Proof. reflexivity. Qed.

(* Power, the base first. Coq standard library, Nat.pow. *)
Fixpoint power (n m : nat) : nat :=
  match m with
  | O => S O
  | S m' => multiply n (power n m')
  end.

Example power_0_0 : power 0 0 = 1. Proof. reflexivity. Qed.
Example power_2_5 : power 2 5 = 32. Proof. reflexivity. Qed.

(* Product of 1 to n. Coq standard library, Arith.Factorial. *)
Fixpoint factorial (n : nat) : nat :=
  match n with
  | O => S O
  | S m => multiply n (factorial m)
  end.

Example factorial_0 : factorial 0 = 1. Proof. reflexivity. Qed.
Example factorial_4 : factorial 4 = 24. Proof. reflexivity. Qed.

(* Sum of 1 to n. Textbook. *)
Fixpoint triangle (n : nat) : nat :=
  match n with
  | O => O
  | S m => add n (triangle m)
  end.

Example triangle_0 : triangle 0 = 0. Proof. reflexivity. Qed.
Example triangle_4 : triangle 4 = 10. Proof. reflexivity. Qed.

(* Fibonacci numbers by their two recursive calls. Textbook. *)
Fixpoint fibonacci (n : nat) : nat :=
  match n with
  | O => O
  | S m =>
      match m with
      | O => S O
      | S k => add (fibonacci m) (fibonacci k)
      end
  end.

Example fibonacci_0 : fibonacci 0 = 0. Proof. reflexivity. Qed.
Example fibonacci_1 : fibonacci 1 = 1. Proof. reflexivity. Qed.
Example fibonacci_10 : fibonacci 10 = 55. Proof. reflexivity. Qed.

(* Fibonacci numbers with two accumulators: one call a step. Textbook. *)
Fixpoint fibonacci_from (n x y : nat) : nat :=
  match n with
  | O => x
  | S m => fibonacci_from m y (add x y)
  end.

Example fibonacci_from_10 : fibonacci_from 10 0 1 = 55. Proof. reflexivity. Qed.
Example fibonacci_from_0 : fibonacci_from 0 2 3 = 2. Proof. reflexivity. Qed.

(* The larger of two. Coq standard library, Nat.max. *)
Fixpoint larger (n m : nat) : nat :=
  match n, m with
  | O, _ => m
  | _, O => n
  | S n', S m' => S (larger n' m')
  end.

Example larger_3_5 : larger 3 5 = 5. Proof. reflexivity. Qed.
Example larger_2_0 : larger 2 0 = 2. Proof. reflexivity. Qed.

(* The smaller of two. Coq standard library, Nat.min. *)
Fixpoint smaller (n m : nat) : nat :=
  match n, m with
  | S n', S m' => S (smaller n' m')
  | _, _ => O
  end.

Example smaller_3_5 : smaller 3 5 = 3. Proof. reflexivity. Qed.
Example smaller_2_0 : smaller 2 0 = 0. Proof. reflexivity. Qed.

(* Distance between two numbers. Textbook. *)
Fixpoint distance (n m : nat) : nat :=
  match n, m with
  | S n', S m' => distance n' m'
  | O, k | k, O => k
  end.

Example distance_3_5 : distance 3 5 = 2. Proof. reflexivity. Qed.
Example distance_5_3 : distance 5 3 = 2. Proof. reflexivity. Qed.

(* Three-way comparison. Coq standard library, Nat.compare. *)
Fixpoint compare (n m : nat) : comparison :=
  match n, m with
  | O, O => Eq
  | O, S _ => Lt
  | S _, O => Gt
  | S n', S m' => compare n' m'
  end.

Example compare_0_0 : compare 0 0 = Eq. Proof. reflexivity. Qed.
Example compare_2_3 : compare 2 3 = Lt. Proof. reflexivity. Qed.
Example compare_3_2 : compare 3 2 = Gt. Proof. reflexivity. Qed.

(* Measure: whether two numbers are equal. Coq standard library, Nat.eqb. *)
Fixpoint equal (n m : nat) : bool :=
  match n, m with
  | O, O => true
  | S n', S m' => equal n' m'
  | _, _ => false
  end.

Example equal_2_2 : equal 2 2 = true. Proof. reflexivity. Qed.
Example equal_2_3 : equal 2 3 = false. Proof. reflexivity. Qed.

(* Measure: whether the first is at most the second. Coq standard library, Nat.leb. *)
Fixpoint at_most (n m : nat) : bool :=
  match n, m with
  | O, _ => true
  | S _, O => false
  | S n', S m' => at_most n' m'
  end.

Example at_most_2_2 : at_most 2 2 = true. Proof. reflexivity. Qed.
Example at_most_3_2 : at_most 3 2 = false. Proof. reflexivity. Qed.
