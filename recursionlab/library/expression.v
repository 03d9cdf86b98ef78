(* Expressions and statements of a small imperative language, their evaluators and rewriters. *)

From Coq Require Import List PeanoNat.
Import ListNotations.

Inductive variable : Set := x | y | z.

Inductive expression : Set :=
  | number : nat -> expression
  | read : variable -> expression
  | plus : expression -> expression -> expression
  | times : expression -> expression -> expression.

(* A memory is the three variables' values. *)
Inductive memory : Set := cells : nat -> nat -> nat -> memory.

(* Value of a variable. *)
Definition fetch (v : variable) (m : memory) : nat :=
  match m with
  | cells i j k => match v with x => i | y => j | z => k end
  end.

Example fetch_y : fetch y (cells 1 2 3) = 2. Proof. reflexivity. Qed.

(* A memory with one variable changed. *)
Definition store (v : variable) (n : nat) (m : memory) : memory :=
  match m with
  | cells i j k =>
      match v with
      | x => cells n j k
      | y => cells i n k
      | z => cells i j n
      end
  end.

Example store_z : store z 7 (cells 1 2 3) = cells 1 2 7. Proof. reflexivity. Qed.

(* Value of an expression. Textbook; Pierce et al., Software Foundations, Imp. *)
Fixpoint evaluate (m : memory) (e : expression) : nat :=
  match e with
  | number n => n
  | read v => fetch v m
  | plus l r => evaluate m l + evaluate m r
  | times l r => evaluate m l * evaluate m r
  end.

Example evaluate_number : evaluate (cells 0 0 0) (number 3) = 3. Proof. reflexivity. Qed.
Example evaluate_7 :
  evaluate (cells 1 2 3) (plus (read x) (times (read y) (read z))) = 7. Proof. reflexivity. Qed.

(* A sum or product of constants becomes a constant; 0 and 1 disappear where they change nothing.
   Pierce et al., Software Foundations, Imp, takes 0 out of sums. *)
Fixpoint simplify (e : expression) : expression :=
  match e with
  | plus l r =>
      match simplify l, simplify r with
      | number n, number m => number (n + m)
      | number 0, r' => r'
      | l', number 0 => l'
      | l', r' => plus l' r'
      end
  | times l r =>
      match simplify l, simplify r with
      | number n, number m => number (n * m)
      | number 0, _ | _, number 0 => number 0
      | number 1, r' => r'
      | l', number 1 => l'
      | l', r' => times l' r'
      end
  | atom => atom
  end.

Example simplify_constant : simplify (plus (number 1) (times (number 2) (number 3))) = number 7.
Proof. reflexivity. Qed.
Example simplify_zero : simplify (plus (times (number 0) (read x)) (read y)) = read y.
Proof. reflexivity. Qed.
Example simplify_nothing : simplify (plus (read x) (read y)) = plus (read x) (read y).
Proof. reflexivity. Qed.

(* Derivative by a variable. Textbook; McCarthy, Recursive Functions (1960). *)
Fixpoint derive (v : variable) (e : expression) : expression :=
  match e with
  | number _ => number 0
  | read w => match v, w with x, x | y, y | z, z => number 1 | _, _ => number 0 end
  | plus l r => plus (derive v l) (derive v r)
  | times l r => plus (times (derive v l) r) (times l (derive v r))
  end.

Example derive_number : derive x (number 3) = number 0. Proof. reflexivity. Qed.
Example derive_square :
  derive x (times (read x) (read x)) = plus (times (number 1) (read x)) (times (read x) (number 1)).
Proof. reflexivity. Qed.

(* An expression put for a variable. Textbook. *)
Fixpoint substitute (v : variable) (s e : expression) : expression :=
  match e with
  | number n => number n
  | read w => match v, w with x, x | y, y | z, z => s | _, _ => e end
  | plus l r => plus (substitute v s l) (substitute v s r)
  | times l r => times (substitute v s l) (substitute v s r)
  end.

Example substitute_here : substitute x (number 1) (plus (read x) (read y)) = plus (number 1) (read y).
Proof. reflexivity. Qed.
Example substitute_nowhere : substitute z (number 1) (number 0) = number 0.
Proof. reflexivity. Qed.

(* Measure: number of operations. *)
Fixpoint operations (e : expression) : nat :=
  match e with
  | number _ | read _ => 0
  | plus l r | times l r => S (operations l + operations r)
  end.

Example operations_0 : operations (read x) = 0. Proof. reflexivity. Qed.
Example operations_2 : operations (plus (read x) (times (read y) (read z))) = 2.
Proof. reflexivity. Qed.

(* Measure: numbers that wait while an expression is evaluated. Ershov (1958). *)
Fixpoint registers (e : expression) : nat :=
  match e with
  | number _ | read _ => 1
  | plus l r | times l r =>
      match Nat.compare (registers l) (registers r) with
      | Eq => S (registers l)
      | Lt => registers r
      | Gt => registers l
      end
  end.

Example registers_1 : registers (read x) = 1. Proof. reflexivity. Qed.
Example registers_2 : registers (plus (plus (read x) (read y)) (read z)) = 2.
Proof. reflexivity. Qed.

(* Measure: whether an expression reads no variable. *)
Fixpoint constant (e : expression) : bool :=
  match e with
  | number _ => true
  | read _ => false
  | plus l r | times l r => if constant l then constant r else false
  end.

Example constant_yes : constant (plus (number 1) (number 2)) = true. Proof. reflexivity. Qed.
Example constant_no : constant (plus (number 1) (read x)) = false. Proof. reflexivity. Qed.

(* Statements; a loop runs a number of times that is known when it starts, so all of them end. *)
Inductive statement : Set :=
  | skip : statement
  | assign : variable -> expression -> statement
  | sequence : statement -> statement -> statement
  | unless_zero : expression -> statement -> statement -> statement
  | loop : expression -> statement -> statement.

(* A function of memories done n times. Textbook. *)
Fixpoint repeat_times (n : nat) (f : memory -> memory) (m : memory) : memory :=
  match n with
  | O => m
  | S k => repeat_times k f (f m)
  end.

Example repeat_times_0 : repeat_times 0 (store x 1) (cells 0 0 0) = cells 0 0 0.
Proof. reflexivity. Qed.
Example repeat_times_2 :
  repeat_times 2 (fun m => store x (S (fetch x m)) m) (cells 0 0 0) = cells 2 0 0.
Proof. reflexivity. Qed.

(* Memory after a statement: LOOP programs. Meyer and Ritchie, The Complexity of Loop Programs
   (1967). *)
Fixpoint execute (s : statement) (m : memory) : memory :=
  match s with
  | skip => m
  | assign v e => store v (evaluate m e) m
  | sequence first then_ => execute then_ (execute first m)
  | unless_zero e yes no =>
      match evaluate m e with
      | O => execute no m
      | S _ => execute yes m
      end
  | loop e body => repeat_times (evaluate m e) (execute body) m
  end.

Example execute_skip : execute skip (cells 1 2 3) = cells 1 2 3. Proof. reflexivity. Qed.
Example execute_product :
  execute (loop (read x) (assign z (plus (read z) (read y)))) (cells 3 4 0) = cells 3 4 12.
Proof. reflexivity. Qed.
Example execute_branch :
  execute (unless_zero (read x) (assign y (number 1)) (assign y (number 2))) (cells 0 0 0) =
  cells 0 2 0.
Proof. reflexivity. Qed.

(* Measure: how deep loops are nested. Meyer and Ritchie (1967): the rank of a LOOP program. *)
Fixpoint nesting (s : statement) : nat :=
  match s with
  | skip | assign _ _ => 0
  | sequence s1 s2 | unless_zero _ s1 s2 => Nat.max (nesting s1) (nesting s2)
  | loop _ body => S (nesting body)
  end.

Example nesting_0 : nesting skip = 0. Proof. reflexivity. Qed.
Example nesting_2 : nesting (loop (read x) (sequence skip (loop (read y) skip))) = 2.
Proof. reflexivity. Qed.

(* Whether a statement can change a variable. Textbook. *)
Fixpoint writes (v : variable) (s : statement) : bool :=
  match s with
  | skip => false
  | assign w _ => match v, w with x, x | y, y | z, z => true | _, _ => false end
  | sequence s1 s2 | unless_zero _ s1 s2 => if writes v s1 then true else writes v s2
  | loop _ body => writes v body
  end.

Example writes_no : writes x (sequence skip (assign y (read x))) = false. Proof. reflexivity. Qed.
Example writes_yes : writes y (loop (read x) (assign y (read x))) = true. Proof. reflexivity. Qed.
