(* Coq.Lists.List; what Coq's sections abstract over stands outside the fix, as it does there. *)

Definition hd {A : Type} (default : A) (l : list A) : A :=
  match l with
  | [] => default
  | x :: _ => x
  end.

Definition hd_error {A : Type} (l : list A) : option A :=
  match l with
  | [] => None
  | x :: _ => Some x
  end.

Definition tl {A : Type} (l : list A) : list A :=
  match l with
  | [] => nil
  | a :: m => m
  end.

Definition nth {A : Type} :=
  fix nth (n : nat) (l : list A) (default : A) {struct l} : A :=
  match n, l with
  | O, x :: l' => x
  | O, other => default
  | S m, [] => default
  | S m, x :: t => nth m t default
  end.

Definition nth_error {A : Type} :=
  fix nth_error (l : list A) (n : nat) {struct n} : option A :=
  match n, l with
  | O, x :: _ => Some x
  | S n, _ :: l => nth_error l n
  | _, _ => None
  end.

Definition last {A : Type} :=
  fix last (l : list A) (d : A) : A :=
  match l with
  | [] => d
  | [a] => a
  | a :: l => last l d
  end.

Definition removelast {A : Type} :=
  fix removelast (l : list A) : list A :=
  match l with
  | [] => []
  | [a] => []
  | a :: l => a :: removelast l
  end.

Definition rev {A : Type} :=
  fix rev (l : list A) : list A :=
  match l with
  | [] => []
  | x :: l' => rev l' ++ [x]
  end.

Definition rev_append {A : Type} :=
  fix rev_append (l l' : list A) : list A :=
  match l with
  | [] => l'
  | a :: l => rev_append l (a :: l')
  end.

Definition rev' {A : Type} (l : list A) : list A := rev_append l [].

Definition concat {A : Type} :=
  fix concat (l : list (list A)) : list A :=
  match l with
  | nil => nil
  | cons x l => x ++ concat l
  end.

Definition map {A B : Type} (f : A -> B) : list A -> list B :=
  fix map (l : list A) : list B :=
    match l with
    | [] => []
    | a :: t => f a :: map t
    end.

Definition flat_map {A B : Type} (f : A -> list B) : list A -> list B :=
  fix flat_map (l : list A) : list B :=
    match l with
    | nil => nil
    | cons x t => f x ++ flat_map t
    end.

Definition fold_left {A B : Type} (f : A -> B -> A) : list B -> A -> A :=
  fix fold_left (l : list B) (a0 : A) : A :=
    match l with
    | nil => a0
    | cons b t => fold_left t (f a0 b)
    end.

Definition fold_right {A B : Type} (f : B -> A -> A) (a0 : A) : list B -> A :=
  fix fold_right (l : list B) : A :=
    match l with
    | nil => a0
    | cons b t => f b (fold_right t)
    end.

Definition existsb {A : Type} (f : A -> bool) : list A -> bool :=
  fix existsb (l : list A) : bool :=
    match l with
    | nil => false
    | a :: l => f a || existsb l
    end.

Definition forallb {A : Type} (f : A -> bool) : list A -> bool :=
  fix forallb (l : list A) : bool :=
    match l with
    | nil => true
    | a :: l => f a && forallb l
    end.

Definition filter {A : Type} (f : A -> bool) : list A -> list A :=
  fix filter (l : list A) : list A :=
    match l with
    | nil => nil
    | x :: l => if f x then x :: filter l else filter l
    end.

Definition find {A : Type} (f : A -> bool) : list A -> option A :=
  fix find (l : list A) : option A :=
    match l with
    | nil => None
    | x :: tl => if f x then Some x else find tl
    end.

Definition partition {A : Type} (f : A -> bool) : list A -> list A * list A :=
  fix partition (l : list A) : list A * list A :=
    match l with
    | nil => (nil, nil)
    | x :: tl =>
        let (g, d) := partition tl in
        if f x then (x :: g, d) else (g, x :: d)
    end.

Definition split {A B : Type} :=
  fix split (l : list (A * B)) : list A * list B :=
  match l with
  | [] => ([], [])
  | (x, y) :: tl => let (left, right) := split tl in (x :: left, y :: right)
  end.

Definition combine {A B : Type} :=
  fix combine (l : list A) (l' : list B) : list (A * B) :=
  match l, l' with
  | x :: tl, y :: tl' => (x, y) :: combine tl tl'
  | _, _ => nil
  end.

Definition list_prod {A B : Type} :=
  fix list_prod (l : list A) (l' : list B) : list (A * B) :=
  match l with
  | nil => nil
  | cons x t => map (fun y : B => (x, y)) l' ++ list_prod t l'
  end.

Definition firstn {A : Type} :=
  fix firstn (n : nat) (l : list A) : list A :=
  match n with
  | 0 => nil
  | S n =>
      match l with
      | nil => nil
      | a :: l => a :: firstn n l
      end
  end.

Definition skipn {A : Type} :=
  fix skipn (n : nat) (l : list A) : list A :=
  match n with
  | 0 => l
  | S n =>
      match l with
      | nil => nil
      | a :: l => skipn n l
      end
  end.

Fixpoint seq (start len : nat) : list nat :=
  match len with
  | 0 => nil
  | S len => start :: seq (S start) len
  end.

Definition repeat {A : Type} :=
  fix repeat (x : A) (n : nat) : list A :=
  match n with
  | O => []
  | S k => x :: repeat x k
  end.

Definition list_sum (l : list nat) : nat := fold_right plus 0 l.

Definition list_max (l : list nat) : nat := fold_right max 0 l.
