(* Run lengths: a word as a list of letters with how often each is repeated. *)

From Coq Require Import List.
Import ListNotations.

Inductive letter : Set := a | b | c.

(* Whether two letters are the same. *)
Definition same (x y : letter) : bool :=
  match x, y with
  | a, a | b, b | c, c => true
  | _, _ => false
  end.

Example same_a_a : same a a = true. Proof. reflexivity. Qed.
Example same_b_a : same b a = false. Proof. reflexivity. Qed.

(* A letter put before the first run, which it lengthens if it is the same. Textbook. *)
Definition put (x : letter) (runs : list (letter * nat)) : list (letter * nat) :=
  match runs with
  | [] => [(x, 1)]
  | (y, n) :: rest => if same x y then (y, S n) :: rest else (x, 1) :: runs
  end.

Example put_0 : put a [] = [(a, 1)]. Proof. reflexivity. Qed.
Example put_same : put a [(a, 2)] = [(a, 3)]. Proof. reflexivity. Qed.
Example put_other : put b [(a, 2)] = [(b, 1); (a, 2)]. Proof. reflexivity. Qed.

(* Runs of a word, from its end. Textbook: run-length encoding. *)
Fixpoint encode (l : list letter) : list (letter * nat) :=
  match l with
  | [] => []
  | x :: l' => put x (encode l')
  end.

Example encode_0 : encode [] = []. Proof. reflexivity. Qed.
Example encode_5 : encode [a; a; b; a; a] = [(a, 2); (b, 1); (a, 2)]. Proof. reflexivity. Qed.

(* Runs of a word, given the run that is open, from its beginning. Textbook. *)
Fixpoint encode_from (x : letter) (n : nat) (l : list letter) : list (letter * nat) :=
  match l with
  | [] => [(x, n)]
  | y :: l' => if same x y then encode_from x (S n) l' else (x, n) :: encode_from y 1 l'
  end.

Example encode_from_0 : encode_from a 3 [] = [(a, 3)]. Proof. reflexivity. Qed.
Example encode_from_3 : encode_from a 1 [a; b; b] = [(a, 2); (b, 2)]. Proof. reflexivity. Qed.

(* n copies of a letter put before a word. Textbook. *)
Fixpoint copies (x : letter) (n : nat) (l : list letter) : list letter :=
  match n with
  | O => l
  | S m => x :: copies x m l
  end.

Example copies_0 : copies a 0 [b] = [b]. Proof. reflexivity. Qed.
Example copies_2 : copies a 2 [b] = [a; a; b]. Proof. reflexivity. Qed.

(* The word of a list of runs. Textbook: run-length decoding. *)
Fixpoint decode (runs : list (letter * nat)) : list letter :=
  match runs with
  | [] => []
  | (x, n) :: rest => copies x n (decode rest)
  end.

Example decode_0 : decode [] = []. Proof. reflexivity. Qed.
Example decode_2 : decode [(a, 2); (b, 0); (c, 1)] = [a; a; c]. Proof. reflexivity. Qed.
Example decode_encode : decode (encode [a; b; b; c; c]) = [a; b; b; c; c]. Proof. reflexivity. Qed.

(* Repetitions taken out, given the letter before. Textbook. *)
Fixpoint squeeze_after (before : letter) (l : list letter) : list letter :=
  match l with
  | [] => []
  | x :: l' => if same before x then squeeze_after x l' else x :: squeeze_after x l'
  end.

Example squeeze_after_0 : squeeze_after a [] = []. Proof. reflexivity. Qed.
Example squeeze_after_4 : squeeze_after a [a; b; b; a] = [b; a]. Proof. reflexivity. Qed.

(* Repetitions taken out. Textbook. *)
Definition squeeze (l : list letter) : list letter :=
  match l with
  | [] => []
  | x :: l' => x :: squeeze_after x l'
  end.

Example squeeze_0 : squeeze [] = []. Proof. reflexivity. Qed.
Example squeeze_5 : squeeze [a; a; b; a; a] = [a; b; a]. Proof. reflexivity. Qed.

(* Measure: number of runs. *)
Fixpoint runs (l : list letter) : nat :=
  match l with
  | [] => 0
  | x :: l' =>
      match l' with
      | [] => 1
      | y :: _ => if same x y then runs l' else S (runs l')
      end
  end.

Example runs_0 : runs [] = 0. Proof. reflexivity. Qed.
Example runs_3 : runs [a; a; b; a; a] = 3. Proof. reflexivity. Qed.

(* Length of the longest run, given the open run and the longest so far. Textbook. *)
Fixpoint longest_from (x : letter) (open longest : nat) (l : list letter) : nat :=
  match l with
  | [] => Nat.max open longest
  | y :: l' =>
      if same x y
      then longest_from y (S open) longest l'
      else longest_from y 1 (Nat.max open longest) l'
  end.

Example longest_from_0 : longest_from a 2 1 [] = 2. Proof. reflexivity. Qed.
Example longest_from_4 : longest_from a 1 0 [b; b; b; a] = 3. Proof. reflexivity. Qed.

(* Measure: length of the longest run. *)
Definition longest (l : list letter) : nat :=
  match l with
  | [] => 0
  | x :: l' => longest_from x 1 0 l'
  end.

Example longest_0 : longest [] = 0. Proof. reflexivity. Qed.
Example longest_5 : longest [a; b; b; b; a] = 3. Proof. reflexivity. Qed.
