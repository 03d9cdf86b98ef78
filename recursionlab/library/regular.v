(* Recognisers of regular languages: a function a state, and derivatives of expressions. *)

From Coq Require Import Bool List.
Import ListNotations.

Inductive letter : Set := a | b.

(* Words over a and b with an even number of a and any number of b: two states. Textbook. *)
Fixpoint even_a (l : list letter) : bool :=
  match l with
  | [] => true
  | a :: l' => odd_a l'
  | b :: l' => even_a l'
  end
with odd_a (l : list letter) : bool :=
  match l with
  | [] => false
  | a :: l' => even_a l'
  | b :: l' => odd_a l'
  end.

Example even_a_0 : even_a [] = true. Proof. reflexivity. Qed.
Example even_a_2 : even_a [a; b; a] = true. Proof. reflexivity. Qed.
Example odd_a_2 : odd_a [a; b; a] = false. Proof. reflexivity. Qed.

(* Words (a b)*: two states and a trap. Tomita (1982), language 2 with other letters. *)
Fixpoint alternating (l : list letter) : bool :=
  match l with
  | [] => true
  | a :: l' => alternating_b l'
  | b :: _ => false
  end
with alternating_b (l : list letter) : bool :=
  match l with
  | b :: l' => alternating l'
  | _ => false
  end.

Example alternating_0 : alternating [] = true. Proof. reflexivity. Qed.
Example alternating_4 : alternating [a; b; a; b] = true. Proof. reflexivity. Qed.
Example alternating_3 : alternating [a; b; a] = false. Proof. reflexivity. Qed.
Example alternating_b_1 : alternating_b [b] = true. Proof. reflexivity. Qed.

(* Words without three a in a row: three states. Tomita (1982), language 4 with other letters. *)
Fixpoint no_aaa (l : list letter) : bool :=
  match l with
  | [] => true
  | a :: l' => no_aa l'
  | b :: l' => no_aaa l'
  end
with no_aa (l : list letter) : bool :=
  match l with
  | [] => true
  | a :: l' => no_a l'
  | b :: l' => no_aaa l'
  end
with no_a (l : list letter) : bool :=
  match l with
  | [] => true
  | a :: _ => false
  | b :: l' => no_aaa l'
  end.

Example no_aaa_yes : no_aaa [a; a; b; a; a] = true. Proof. reflexivity. Qed.
Example no_aaa_no : no_aaa [b; a; a; a] = false. Proof. reflexivity. Qed.
Example no_aa_no : no_aa [a; a] = false. Proof. reflexivity. Qed.
Example no_a_0 : no_a [] = true. Proof. reflexivity. Qed.

(* Remainders by three. *)
Inductive remainder : Set := zero | one | two.

(* Whether a binary number, most significant digit first, a for 0 and b for 1, is divisible by
   three, given its remainder so far. Textbook. *)
Fixpoint divisible_from (r : remainder) (l : list letter) : bool :=
  match l, r with
  | [], zero => true
  | [], _ => false
  | a :: l', zero => divisible_from zero l'
  | a :: l', one => divisible_from two l'
  | a :: l', two => divisible_from one l'
  | b :: l', zero => divisible_from one l'
  | b :: l', one => divisible_from zero l'
  | b :: l', two => divisible_from two l'
  end.

Example divisible_from_0 : divisible_from zero [] = true. Proof. reflexivity. Qed.
Example divisible_from_6 : divisible_from zero [b; b; a] = true. Proof. reflexivity. Qed.
Example divisible_from_5 : divisible_from zero [b; a; b] = false. Proof. reflexivity. Qed.

(* Regular expressions. *)
Inductive regex : Set :=
  | empty : regex
  | epsilon : regex
  | letter_is : letter -> regex
  | choice : regex -> regex -> regex
  | then_ : regex -> regex -> regex
  | star : regex -> regex.

(* Whether an expression matches the empty word. Brzozowski (1964). *)
Fixpoint nullable (e : regex) : bool :=
  match e with
  | empty | letter_is _ => false
  | epsilon | star _ => true
  | choice e1 e2 => nullable e1 || nullable e2
  | then_ e1 e2 => nullable e1 && nullable e2
  end.

Example nullable_star : nullable (star empty) = true. Proof. reflexivity. Qed.
Example nullable_then : nullable (then_ epsilon (letter_is a)) = false. Proof. reflexivity. Qed.

(* What an expression leaves to match after a letter. Brzozowski (1964). *)
Fixpoint derivative (x : letter) (e : regex) : regex :=
  match e with
  | empty | epsilon => empty
  | letter_is y => match x, y with a, a | b, b => epsilon | _, _ => empty end
  | choice e1 e2 => choice (derivative x e1) (derivative x e2)
  | then_ e1 e2 =>
      if nullable e1
      then choice (then_ (derivative x e1) e2) (derivative x e2)
      else then_ (derivative x e1) e2
  | star e1 => then_ (derivative x e1) e
  end.

Example derivative_letter : derivative a (letter_is a) = epsilon. Proof. reflexivity. Qed.
Example derivative_other : derivative b (letter_is a) = empty. Proof. reflexivity. Qed.
Example derivative_star :
  derivative a (star (letter_is a)) = then_ epsilon (star (letter_is a)). Proof. reflexivity. Qed.

(* Whether an expression matches a word: a derivative a letter. Brzozowski (1964). *)
Fixpoint matches (e : regex) (l : list letter) : bool :=
  match l with
  | [] => nullable e
  | x :: l' => matches (derivative x e) l'
  end.

Example matches_0 : matches (star (letter_is a)) [] = true. Proof. reflexivity. Qed.
Example matches_yes :
  matches (then_ (star (letter_is a)) (letter_is b)) [a; a; b] = true. Proof. reflexivity. Qed.
Example matches_no :
  matches (then_ (star (letter_is a)) (letter_is b)) [a; b; a] = false. Proof. reflexivity. Qed.

(* The expression of the reversed words. Textbook. *)
Fixpoint reversal (e : regex) : regex :=
  match e with
  | choice e1 e2 => choice (reversal e1) (reversal e2)
  | then_ e1 e2 => then_ (reversal e2) (reversal e1)
  | star e1 => star (reversal e1)
  | atom => atom
  end.

Example reversal_atom : reversal epsilon = epsilon. Proof. reflexivity. Qed.
Example reversal_then :
  reversal (then_ (letter_is a) (star (letter_is b))) = then_ (star (letter_is b)) (letter_is a).
Proof. reflexivity. Qed.

(* Measure: how deep stars are nested. Eggan (1963): star height of an expression. *)
Fixpoint star_height (e : regex) : nat :=
  match e with
  | empty | epsilon | letter_is _ => 0
  | choice e1 e2 | then_ e1 e2 => Nat.max (star_height e1) (star_height e2)
  | star e1 => S (star_height e1)
  end.

Example star_height_0 : star_height epsilon = 0. Proof. reflexivity. Qed.
Example star_height_2 : star_height (star (then_ (letter_is a) (star (letter_is b)))) = 2.
Proof. reflexivity. Qed.
