(* Terms rewritten as trees: the combinators S and K, by levels and by normal order. *)

From Coq Require Import Bool List.
Import ListNotations.

(* apply f x is f applied to x; var is a free variable. *)
Inductive term : Set := s | k | var | apply : term -> term -> term.

(* A rule at the root: K x y becomes x, S f g x becomes f x (g x). Schönfinkel (1924). *)
Definition contract (t : term) : option term :=
  match t with
  | apply (apply k x) _ => Some x
  | apply (apply (apply s f) g) x => Some (apply (apply f x) (apply g x))
  | _ => None
  end.

Example contract_k : contract (apply (apply k s) var) = Some s. Proof. reflexivity. Qed.
Example contract_none : contract (apply k s) = None. Proof. reflexivity. Qed.

(* One step of normal order: the leftmost outermost rule. Curry and Feys (1958). *)
Fixpoint step (t : term) : option term :=
  match contract t with
  | Some u => Some u
  | None =>
      match t with
      | apply f x =>
          match step f with
          | Some g => Some (apply g x)
          | None => option_map (apply f) (step x)
          end
      | _ => None
      end
  end.

Example step_root : step (apply (apply k s) var) = Some s. Proof. reflexivity. Qed.
Example step_inside : step (apply var (apply (apply k s) var)) = Some (apply var s).
Proof. reflexivity. Qed.
Example step_normal : step (apply var k) = None. Proof. reflexivity. Qed.

(* Steps of normal order as long as there are some and fuel is left. Curry and Feys (1958). *)
Fixpoint reduce (fuel : nat) (t : term) : term :=
  match fuel with
  | O => t
  | S fuel' => match step t with None => t | Some u => reduce fuel' u end
  end.

Example reduce_identity : reduce 9 (apply (apply (apply s k) k) var) = var. Proof. reflexivity. Qed.
Example reduce_dry : reduce 1 (apply (apply (apply s k) k) var) = apply (apply k var) (apply k var).
Proof. reflexivity. Qed.

(* Rules applied from the leaves up, once everywhere. Textbook: a parallel step. *)
Fixpoint parallel (t : term) : term :=
  match t with
  | apply f x =>
      let u := apply (parallel f) (parallel x) in
      match contract u with
      | Some v => v
      | None => u
      end
  | leaf => leaf
  end.

Example parallel_leaf : parallel s = s. Proof. reflexivity. Qed.
Example parallel_two :
  parallel (apply (apply (apply k var) s) (apply (apply k s) k)) = apply var s.
Proof. reflexivity. Qed.

(* Measure: whether no rule applies anywhere. *)
Fixpoint normal (t : term) : bool :=
  match t with
  | apply f x =>
      match contract t with
      | Some _ => false
      | None => normal f && normal x
      end
  | _ => true
  end.

Example normal_yes : normal (apply k s) = true. Proof. reflexivity. Qed.
Example normal_no : normal (apply (apply k s) s) = false. Proof. reflexivity. Qed.

(* A term without var that gives the old one when it is applied to var. Textbook: bracket
   abstraction. *)
Fixpoint abstract (t : term) : term :=
  match t with
  | var => apply (apply s k) k
  | apply f x => apply (apply s (abstract f)) (abstract x)
  | leaf => apply k leaf
  end.

Example abstract_var : abstract var = apply (apply s k) k. Proof. reflexivity. Qed.
Example abstract_back : reduce 9 (apply (abstract (apply s var)) var) = apply s var.
Proof. reflexivity. Qed.

(* Measure: applications on the longest path. *)
Fixpoint depth (t : term) : nat :=
  match t with
  | apply f x => S (Nat.max (depth f) (depth x))
  | _ => 0
  end.

Example depth_0 : depth s = 0. Proof. reflexivity. Qed.
Example depth_2 : depth (apply s (apply k k)) = 2. Proof. reflexivity. Qed.
