(* Balanced brackets: Dyck words by a counter, by a stack, and as what trees are printed as. *)

From Coq Require Import List.
Import ListNotations.

(* Two kinds of brackets. *)
Inductive bracket : Set := open_round | close_round | open_square | close_square.

(* Whether brackets close, their kinds aside, some being open. Textbook: a counter. *)
Fixpoint counted (opened : nat) (l : list bracket) : bool :=
  match l with
  | [] => match opened with O => true | S _ => false end
  | (open_round | open_square) :: l' => counted (S opened) l'
  | (close_round | close_square) :: l' =>
      match opened with
      | O => false
      | S fewer => counted fewer l'
      end
  end.

Example counted_0 : counted 0 [] = true. Proof. reflexivity. Qed.
Example counted_open : counted 0 [open_round] = false. Proof. reflexivity. Qed.
Example counted_mixed : counted 0 [open_round; close_square] = true. Proof. reflexivity. Qed.
Example counted_early : counted 0 [close_round; open_round] = false. Proof. reflexivity. Qed.

(* Whether brackets close in the right order, given the stack of what is open: true for round.
   Dyck language of two kinds; Chomsky and Schützenberger (1963). *)
Fixpoint matched (stack : list bool) (l : list bracket) : bool :=
  match l, stack with
  | [], [] => true
  | open_round :: l', _ => matched (true :: stack) l'
  | open_square :: l', _ => matched (false :: stack) l'
  | close_round :: l', true :: below => matched below l'
  | close_square :: l', false :: below => matched below l'
  | _, _ => false
  end.

Example matched_0 : matched [] [] = true. Proof. reflexivity. Qed.
Example matched_yes :
  matched [] [open_round; open_square; close_square; close_round] = true. Proof. reflexivity. Qed.
Example matched_crossed :
  matched [] [open_round; open_square; close_round; close_square] = false.
Proof. reflexivity. Qed.

(* Measure: whether a word is a Dyck word. *)
Definition dyck (l : list bracket) : bool := matched [] l.

Example dyck_yes : dyck [open_round; close_round; open_square; close_square] = true.
Proof. reflexivity. Qed.
Example dyck_no : dyck [open_round; close_square] = false. Proof. reflexivity. Qed.

(* The brackets that close what a prefix leaves open, put behind a word; none where it fails.
   Textbook: completion of Dyck prefixes. *)
Fixpoint complete (stack : list bool) (l : list bracket) : option (list bracket) :=
  match l, stack with
  | [], [] => Some []
  | [], _ =>
      Some (map (fun round : bool => if round then close_round else close_square) stack)
  | open_round :: l', _ => complete (true :: stack) l'
  | open_square :: l', _ => complete (false :: stack) l'
  | close_round :: l', true :: below => complete below l'
  | close_square :: l', false :: below => complete below l'
  | _, _ => None
  end.

Example complete_2 : complete [] [open_round; open_square] = Some [close_square; close_round].
Proof. reflexivity. Qed.
Example complete_0 : complete [] [] = Some []. Proof. reflexivity. Qed.
Example complete_wrong : complete [] [close_round] = None. Proof. reflexivity. Qed.

(* The most brackets open at once, from a number of open ones on. Textbook. *)
Fixpoint nesting_from (opened : nat) (l : list bracket) : nat :=
  match l with
  | [] => opened
  | (open_round | open_square) :: l' => nesting_from (S opened) l'
  | (close_round | close_square) :: l' => Nat.max opened (nesting_from (Nat.pred opened) l')
  end.

Example nesting_from_0 : nesting_from 2 [] = 2. Proof. reflexivity. Qed.
Example nesting_from_2 :
  nesting_from 0 [open_round; open_round; close_round; close_round; open_round] = 2.
Proof. reflexivity. Qed.

(* Measure: the most brackets open at once. *)
Definition nesting (l : list bracket) : nat := nesting_from 0 l.

Example nesting_1 : nesting [open_round; close_round] = 1. Proof. reflexivity. Qed.

(* Trees that Dyck words are: a pair of brackets around what is within, and what follows. *)
Inductive dyck_tree : Set :=
  | nothing : dyck_tree
  | round : dyck_tree -> dyck_tree -> dyck_tree
  | square : dyck_tree -> dyck_tree -> dyck_tree.

(* The word of a tree, put before another word. Textbook. *)
Fixpoint print_onto (t : dyck_tree) (rest : list bracket) : list bracket :=
  match t with
  | nothing => rest
  | round inside next => open_round :: print_onto inside (close_round :: print_onto next rest)
  | square inside next => open_square :: print_onto inside (close_square :: print_onto next rest)
  end.

Example print_onto_0 : print_onto nothing [open_round] = [open_round]. Proof. reflexivity. Qed.
Example print_onto_2 :
  print_onto (round (square nothing nothing) nothing) [] =
  [open_round; open_square; close_square; close_round].
Proof. reflexivity. Qed.

(* The tree of a word read from its end: a stack holds the trees that are done, each with the
   bracket that waits in front of it. Textbook: shift and reduce. *)
Fixpoint parse (l : list bracket) : option (dyck_tree * list (bool * dyck_tree)) :=
  match l with
  | [] => Some (nothing, [])
  | x :: l' =>
      match parse l' with
      | None => None
      | Some (here, above) =>
          match x, above with
          | close_round, _ => Some (nothing, (true, here) :: above)
          | close_square, _ => Some (nothing, (false, here) :: above)
          | open_round, (true, next) :: above' => Some (round here next, above')
          | open_square, (false, next) :: above' => Some (square here next, above')
          | _, _ => None
          end
      end
  end.

Example parse_0 : parse [] = Some (nothing, []). Proof. reflexivity. Qed.
Example parse_2 :
  parse [open_round; open_square; close_square; close_round] =
  Some (round (square nothing nothing) nothing, []).
Proof. reflexivity. Qed.
Example parse_open : parse [open_round] = None. Proof. reflexivity. Qed.

(* Measure: pairs of brackets in a tree. *)
Fixpoint pairs (t : dyck_tree) : nat :=
  match t with
  | nothing => 0
  | round inside next | square inside next => S (pairs inside + pairs next)
  end.

Example pairs_0 : pairs nothing = 0. Proof. reflexivity. Qed.
Example pairs_2 : pairs (round (square nothing nothing) nothing) = 2. Proof. reflexivity. Qed.
