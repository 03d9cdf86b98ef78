(* Gray code: words of digits whose successors differ in one place.

   The most significant digit is outermost, so each digit depends on the one before it. *)

From Coq Require Import List.
Import ListNotations.

Inductive word : Set := stop | zero : word -> word | one : word -> word.

(* Binary to Gray, given whether the digit before was 1. Gray, US patent 2632058 (1953). *)
Fixpoint encode_after (before : bool) (w : word) : word :=
  match w, before with
  | stop, _ => stop
  | zero v, false => zero (encode_after false v)
  | zero v, true => one (encode_after false v)
  | one v, false => one (encode_after true v)
  | one v, true => zero (encode_after true v)
  end.

Example encode_after_stop : encode_after true stop = stop. Proof. reflexivity. Qed.
Example encode_after_1 : encode_after true (one (zero stop)) = zero (one stop).
Proof. reflexivity. Qed.

(* Binary to Gray. Gray, US patent 2632058 (1953). *)
Definition encode (w : word) : word := encode_after false w.

Example encode_6 : encode (one (one (zero stop))) = one (zero (one stop)). Proof. reflexivity. Qed.
Example encode_0 : encode (zero (zero stop)) = zero (zero stop). Proof. reflexivity. Qed.

(* Gray to binary, given whether the binary digit before was 1. Textbook. *)
Fixpoint decode_after (before : bool) (w : word) : word :=
  match w, before with
  | stop, _ => stop
  | zero v, false | one v, true => zero (decode_after false v)
  | zero v, true | one v, false => one (decode_after true v)
  end.

Example decode_after_stop : decode_after true stop = stop. Proof. reflexivity. Qed.
Example decode_after_1 : decode_after true (zero (one stop)) = one (zero stop).
Proof. reflexivity. Qed.

(* Gray to binary. Textbook. *)
Definition decode (w : word) : word := decode_after false w.

Example decode_5 : decode (one (zero (one stop))) = one (one (zero stop)). Proof. reflexivity. Qed.
Example decode_encode : decode (encode (one (zero (one (one stop))))) = one (zero (one (one stop))).
Proof. reflexivity. Qed.

(* Every digit exchanged. Textbook. *)
Fixpoint flip (w : word) : word :=
  match w with
  | stop => stop
  | zero v => one (flip v)
  | one v => zero (flip v)
  end.

Example flip_stop : flip stop = stop. Proof. reflexivity. Qed.
Example flip_2 : flip (zero (one stop)) = one (zero stop). Proof. reflexivity. Qed.

(* Measure: whether a word is the first of its length in the order of the code. Textbook. *)
Fixpoint first (w : word) : bool :=
  match w with
  | stop => true
  | zero v => first v
  | one _ => false
  end.

Example first_000 : first (zero (zero (zero stop))) = true. Proof. reflexivity. Qed.
Example first_001 : first (zero (zero (one stop))) = false. Proof. reflexivity. Qed.

(* Measure: whether a word is the last of its length in the order of the code. Textbook. *)
Definition last (w : word) : bool :=
  match w with
  | stop => true
  | zero _ => false
  | one v => first v
  end.

Example last_100 : last (one (zero (zero stop))) = true. Proof. reflexivity. Qed.
Example last_110 : last (one (one (zero stop))) = false. Proof. reflexivity. Qed.

(* The code after a word, or before it if back is true: under a digit 1 the order turns round.
   The ends of the order stay where they are.
   Knuth, The Art of Computer Programming, 7.2.1.1. *)
Fixpoint move (back : bool) (w : word) : word :=
  match w, back with
  | stop, _ => stop
  | zero v, false => if last v then one v else zero (move false v)
  | zero v, true => zero (move true v)
  | one v, false => one (move true v)
  | one v, true => if last v then zero v else one (move false v)
  end.

Example move_000 : move false (zero (zero (zero stop))) = zero (zero (one stop)).
Proof. reflexivity. Qed.
Example move_010 : move false (zero (one (zero stop))) = one (one (zero stop)).
Proof. reflexivity. Qed.
Example move_100 : move false (one (zero (zero stop))) = one (zero (zero stop)).
Proof. reflexivity. Qed.
Example move_back : move true (one (one (zero stop))) = zero (one (zero stop)).
Proof. reflexivity. Qed.

(* All words of n digits in the order of the code: reflect and prefix. Textbook. *)
Fixpoint codes (n : nat) : list word :=
  match n with
  | O => [stop]
  | S m => let rest := codes m in map zero rest ++ map one (rev rest)
  end.

Example codes_0 : codes 0 = [stop]. Proof. reflexivity. Qed.
Example codes_2 :
  codes 2 = [zero (zero stop); zero (one stop); one (one stop); one (zero stop)].
Proof. reflexivity. Qed.

(* Measure: whether the number of digits 1 is odd. Textbook. *)
Fixpoint odd_ones (w : word) : bool :=
  match w with
  | stop => false
  | zero v => odd_ones v
  | one v => negb (odd_ones v)
  end.

Example odd_ones_2 : odd_ones (one (zero (one stop))) = false. Proof. reflexivity. Qed.
Example odd_ones_1 : odd_ones (zero (one stop)) = true. Proof. reflexivity. Qed.

(* Measure: how often the digit changes along a word. Textbook. *)
Fixpoint changes (w : word) : nat :=
  match w with
  | stop => 0
  | zero v => match v with one _ => S (changes v) | _ => changes v end
  | one v => match v with zero _ => S (changes v) | _ => changes v end
  end.

Example changes_0 : changes (one (one stop)) = 0. Proof. reflexivity. Qed.
Example changes_2 : changes (one (zero (one stop))) = 2. Proof. reflexivity. Qed.
