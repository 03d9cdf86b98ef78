"""Programs that the front end accepts, one a part of the subset; Coq must accept them too."""

LIST = "Require Import List.\nImport ListNotations.\n"

ACCEPTED = {
    "mutual_inductive": """
Inductive tree (A : Type) : Type := node (x : A) (f : forest A)
with forest (A : Type) : Type := nothing | more (t : tree A) (f : forest A).
Arguments node {A} x f.
Arguments nothing {A}.
Arguments more {A} t f.
Fixpoint size {A : Type} (t : tree A) : nat :=
  match t with node _ f => S (sizes f) end
with sizes {A : Type} (f : forest A) : nat :=
  match f with nothing => 0 | more t f => size t + sizes f end.
Example three : size (node 1 (more (node 2 nothing) (more (node 3 nothing) nothing))) = 3.
Proof. reflexivity. Qed.
""",
    "even_odd": """
Fixpoint even (n : nat) : bool := match n with 0 => true | S m => odd m end
with odd (n : nat) : bool := match n with 0 => false | S m => even m end.
Example even_4 : even 4 = true. Proof. reflexivity. Qed.
Example odd_4 : odd 4 = false. Proof. simpl. reflexivity. Qed.
""",
    "rose_inner_fix": LIST
    + """
Inductive rose (A : Type) : Type := node : A -> list (rose A) -> rose A.
Arguments node {A} _ _.
Fixpoint preorder {A : Type} (t : rose A) : list A :=
  match t with
  | node x ts =>
      x :: (fix go (l : list (rose A)) : list A :=
              match l with [] => [] | t' :: l' => preorder t' ++ go l' end) ts
  end.
Example p : preorder (node 1 [node 2 []; node 3 [node 4 []]]) = [1; 2; 3; 4].
Proof. reflexivity. Qed.
""",
    "rose_map": LIST
    + """
Inductive rose (A : Type) : Type := node : A -> list (rose A) -> rose A.
Arguments node {A} _ _.
Fixpoint mirror {A : Type} (t : rose A) : rose A :=
  match t with node x ts => node x (rev (map mirror ts)) end.
Fixpoint total (t : rose nat) : nat :=
  match t with node x ts => x + fold_right (fun t' n => total t' + n) 0 ts end.
Fixpoint height {A : Type} (t : rose A) : nat :=
  match t with node _ ts => S (list_max (map (fun t' => height t') ts)) end.
Example m : mirror (node 1 [node 2 []; node 3 []]) = node 1 [node 3 []; node 2 []].
Proof. reflexivity. Qed.
Example s : total (node 1 [node 2 []; node 3 [node 4 []]]) = 10. Proof. reflexivity. Qed.
Example h : height (node 1 [node 2 []; node 3 [node 4 []]]) = 3. Proof. reflexivity. Qed.
""",
    "ackermann": """
Fixpoint ack (m : nat) : nat -> nat :=
  match m with
  | 0 => S
  | S m' => fix inner (n : nat) : nat :=
      match n with 0 => ack m' 1 | S n' => ack m' (inner n') end
  end.
Example ack_2_2 : ack 2 2 = 7. Proof. reflexivity. Qed.
""",
    "several_scrutinees": LIST
    + """
Require Import Arith.
Fixpoint zip {A B : Type} (l : list A) (m : list B) {struct m} : list (A * B) :=
  match l, m with
  | x :: l', y :: m' => (x, y) :: zip l' m'
  | [], _ | _, [] => []
  end.
Fixpoint merge (l m : list nat) : list nat :=
  (fix go (k : list nat) : list nat :=
    match l, k with
    | [], _ => k
    | _, [] => l
    | x :: l', y :: k' => if x <=? y then x :: merge l' k else y :: go k'
    end) m.
Example z : zip [1; 2] [true; false; true] = [(1, true); (2, false)]. Proof. reflexivity. Qed.
Example merged : merge [1; 3; 5] [2; 4] = [1; 2; 3; 4; 5]. Proof. reflexivity. Qed.
""",
    "polymorphic_recursion": """
Fixpoint depth {A : Type} (n : nat) (x : A) : nat :=
  match n with 0 => 0 | S m => S (depth m (x, x)) end.
Fixpoint depth' (A : Type) (n : nat) (x : A) : nat :=
  match n with 0 => 0 | S m => S (depth' (A * A) m (x, x)) end.
Example d : depth 3 true = 3. Proof. reflexivity. Qed.
""",
    "or_and_as": """
Definition small (n : nat) : bool := match n with 0 | 1 | 2 => true | S (S (S _)) => false end.
Fixpoint halve (n : nat) : nat :=
  match n with
  | S (S m as p) => match p with 0 => 7 | S _ => S (halve m) end
  | 0 | 1 => 0
  end.
Definition swap (p : nat * bool) := let (a, b) := p in (b, a).
Definition pick (p : nat * (bool * nat)) : nat :=
  let '(a, (b, c)) := p in if b then a else c.
Definition both (a b : bool) : nat :=
  match a, b with (true | false) as x, true => if x then 1 else 2 | _, false => 3 end.
Example small_3 : small 3 = false. Proof. reflexivity. Qed.
Example halve_7 : halve 7 = 3. Proof. reflexivity. Qed.
Example pick_1 : pick (1, (false, 5)) = 5. Proof. reflexivity. Qed.
Example swap_1 : swap (1, true) = (true, 1). Proof. reflexivity. Qed.
""",
    "as_keeps_parts": """
Fixpoint f (n : nat) : nat :=
  match n with O => O | S p => match p with S q as m => f m | _ => O end end.
Fixpoint g (n k : nat) : nat :=
  match n, k with
  | O, _ => O
  | S p, _ => match p, k with O, 0 => O | m, l => g m l end
  end.
""",
    "let_and_pred": """
Fixpoint down (n : nat) : nat := match n with 0 => 0 | S p => let q := p in S (down q) end.
Fixpoint half (n : nat) : nat := match n with 0 => 0 | S p => half (Nat.pred p) end.
Fixpoint local (n : nat) : nat :=
  match n with 0 => 0 | S p => let call := fun k => local k in call p end.
Fixpoint inner (n : nat) : nat :=
  match n with 0 => 0 | S p => inner (match p with 0 => p | S q => q end) end.
Example half_6 : half 6 = 0. Proof. reflexivity. Qed.
Example local_2 : local 2 = 0. Proof. reflexivity. Qed.
""",
    "higher_order": LIST
    + """
Definition compose {A B C : Type} (g : B -> C) (f : A -> B) : A -> C := fun x => g (f x).
Definition twice {A : Type} (f : A -> A) := compose f f.
Fixpoint iterate {A : Type} (n : nat) (f : A -> A) (x : A) : A :=
  match n with 0 => x | S m => f (iterate m f x) end.
Definition sums := map (fun p : nat * nat => fst p + snd p).
Definition apply_all (fs : list (nat -> nat)) (x : nat) : list nat := map (fun f => f x) fs.
Example e1 : twice S 3 = 5. Proof. reflexivity. Qed.
Example e2 : iterate 3 (fun x => x * 2) 1 = 8. Proof. reflexivity. Qed.
Example e3 : sums [(1, 2); (3, 4)] = [3; 7]. Proof. reflexivity. Qed.
Example e4 : apply_all [S; Nat.add 10; fun n => n - 1] 5 = [6; 15; 4]. Proof. reflexivity. Qed.
""",
    "explicit_types": """
Definition id (A : Type) (x : A) : A := x.
Definition same := id nat 3.
Definition guess := id _ true.
Definition none := @None nat.
Fixpoint count (A : Type) (l : list A) : nat :=
  match l with nil => 0 | cons _ t => S (count A t) end.
Inductive box (A : Type) : Type := full (x : A) | void.
Definition open_box (A : Type) (b : box A) (d : A) : A :=
  match b with full _ x => x | void _ => d end.
Definition b1 := full nat 3.
Arguments open_box {A} b d.
Definition three := open_box b1 0.
Definition tagged {A B} (p : A * B) : B * A := let (x, y) := p in (y, x).
Example e : three = 3. Proof. reflexivity. Qed.
Example f : @id nat 4 = @fst nat bool (4, true). Proof. reflexivity. Qed.
""",
    "scopes": """
Require Import Bool.
From Coq Require Import Lists.List Arith.
Import List.ListNotations.
Open Scope bool_scope. Open Scope nat.
Definition a (x y : bool) := x && negb y || (x && y)%bool.
Definition b (n m : nat) := (n =? m) || (n <? m) && (m <=? 3).
Definition c := [1] ++ (2 :: [3])%list.
Definition d (n : nat) : list nat := if n =? 0 then [] else n :: c ++ [n + 1 * 2 - 3].
Definition e := Bool.eqb true false.
""",
    "expressions_and_statements": LIST
    + """
Inductive op : Set := Plus | Times.
Inductive expr : Type :=
  | Num (n : nat)
  | Bin (o : op) (l r : expr)
  | Block (s : list stmt) (e : expr)
with stmt : Type := Do (e : expr) | Skip.
Fixpoint size (e : expr) : nat :=
  match e with
  | Num _ => 1
  | Bin _ l r => S (size l + size r)
  | Block _ e => S (size e)
  end.
Fixpoint eval (e : expr) : nat :=
  match e with
  | Num n => n
  | Bin Plus l r => eval l + eval r
  | Bin Times l r => eval l * eval r
  | Block s e => eval e
  end.
Example e : eval (Bin Plus (Num 2) (Bin Times (Num 3) (Num 4))) = 14. Proof. reflexivity. Qed.
Compute eval (Bin Times (Num 6) (Num 7)).
""",
    "functions_in_data": """
Inductive stream_tree : Type := stop | branch (f : nat -> stream_tree).
Fixpoint walk (t : stream_tree) (n : nat) : nat :=
  match t with stop => n | branch f => walk (f n) (S n) end.
Inductive empty : Set := .
Definition absurd (e : empty) : nat := match e with end.
Inductive wrap : Set := Wrap : option wrap -> wrap.
Fixpoint depth (w : wrap) : nat :=
  match w with Wrap None => 0 | Wrap (Some w') => S (depth w') end.
Example d : depth (Wrap (Some (Wrap None))) = 1. Proof. reflexivity. Qed.
Example w : walk (branch (fun n => branch (fun m => stop))) 5 = 7. Proof. reflexivity. Qed.
""",
    "struct_inferred": """
Fixpoint second (b : bool) (n : nat) : nat :=
  match n with 0 => 0 | S m => second (negb b) m end.
Fixpoint flip (n m : nat) : nat := match m with 0 => n | S m' => flip (S n) m' end.
Fixpoint left_right (n m : nat) : nat :=
  match m with 0 => 0 | S p => right_left p n end
with right_left (n m : nat) : nat :=
  match n with 0 => 1 | S p => left_right m p end.
Definition wrapped := fix len (l : list nat) : nat :=
  match l with nil => 0 | cons _ t => S (len t) end.
Example e : second true 3 = 0. Proof. reflexivity. Qed.
""",
    "comments": """
(* outer (* inner *) "a string with *) inside" still a comment *)
Definition a := 1. (* after *) Definition b := (* inside *) a.
""",
    "positive": """
From Coq Require Import PArith.
Definition inc := Pos.succ.
Fixpoint bits (p : positive) : nat := match p with xI q | xO q => S (bits q) | xH => 1 end.
Example e : inc (xI xH) = Pos.add (xI xH) xH. Proof. reflexivity. Qed.
Example f : bits (Pos.mul (xO xH) (xI xH)) = 3. Proof. reflexivity. Qed.
""",
    "shadowing": """
Definition app (n m : nat) : nat := n + m.
Definition length (n : nat) := match n with S n => n | n => n end.
Inductive color := red | green | blue.
Definition next (c : color) := match c with red => green | green => blue | blue => red end.
Fixpoint f (n : nat) : nat := match n with 0 => 0 | S n => let n := n in f n end.
Example e : app 1 (length 3) = 3. Proof. reflexivity. Qed.
""",
    "fold_over_list": LIST
    + """
Require Import Arith.
Fixpoint insert (x : nat) (l : list nat) : list nat :=
  match l with [] => [x] | y :: t => if x <=? y then x :: l else y :: insert x t end.
Definition sort (l : list nat) : list nat := fold_right insert [] l.
Definition total := fold_left Nat.add.
Definition pairs := combine [1; 2] [true; false].
Example e : sort [3; 1; 2] = [1; 2; 3]. Proof. reflexivity. Qed.
Example f : total [1; 2; 3] 0 = 6. Proof. reflexivity. Qed.
Example g : nth 1 (firstn 2 (skipn 1 (seq 0 5))) 9 = 2. Proof. reflexivity. Qed.
Example h : partition (fun n => n <? 2) [1; 2; 3] = ([1], [2; 3]). Proof. reflexivity. Qed.
Example i : flat_map (fun n => repeat n n) [1; 2] = [1; 2; 2]. Proof. reflexivity. Qed.
""",
    "alias_patterns": LIST
    + """
Definition under (l : list nat) := match l with x :: y as t => t | _ => nil end.
Definition above (l : list nat) := match l with (x :: y) as t => t | _ => nil end.
Definition middle (l : list nat) := match l with x :: S m as t :: r => t | _ => 0 end.
Definition twice (l : list nat) := match l with x as y as z :: _ as _ => y + z | _ => 0 end.
Definition all (l m : list nat) := match l, m with
  | [S x as y; _] as t, (1 | 2) as z :: _ as u => y :: z :: t ++ u | _, _ => nil end.
Definition pairs (l : list (nat * nat)) := match l with
  | (0 as x, y as z) as p :: (_ :: _) as t => (x + z, p, t) | _ => (0, (0, 0), nil) end.
Fixpoint sum (l : list nat) : nat := match l with x :: (y :: _) as t => x + sum t | _ => 0 end.
Definition let_alias (p : nat * nat) := let '(x, y) as q := p in (q, x).
Definition scoped (l : list nat) := match l with (0%nat as x :: y)%list => y | _ => nil end.
Example e1 : under [1; 2; 3] = [2; 3]. Proof. reflexivity. Qed.
Example e2 : above [1; 2; 3] = [1; 2; 3]. Proof. reflexivity. Qed.
Example e3 : middle [1; 2; 3] = 2. Proof. reflexivity. Qed.
Example e4 : twice [3] = 6. Proof. reflexivity. Qed.
Example e5 : all [4; 5] [1; 7] = [4; 1; 4; 5; 7]. Proof. reflexivity. Qed.
Example e6 : pairs [(0, 2); (3, 4)] = (2, (0, 2), [(3, 4)]). Proof. reflexivity. Qed.
Example e7 : sum [4; 5; 6] = 9. Proof. reflexivity. Qed.
Example e8 : let_alias (1, 2) = ((1, 2), 1). Proof. reflexivity. Qed.
Example e9 : scoped [0; 2] = [2]. Proof. reflexivity. Qed.
""",
    "last_operand": LIST
    + """
Require Import Arith.
Require Import Bool.
Definition f1 (n : nat) := 1 + if n =? 0 then 1 else 2 * 3 + 4.
Definition f2 (n : nat) := n :: n :: let m := n in m :: [m].
Definition f3 (b : bool) := true && b || if b then false else true && b.
Definition f4 (n : nat) := n =? let m := n in m + 1.
Definition f5 (n : nat) := map (fun g => g n) [S] ++ if n =? 0 then [1] else [2] ++ [3].
Example e1 : (f1 0, f1 1) = (1 + 1, 11). Proof. reflexivity. Qed.
Example e2 : f2 1 = [1; 1; 1; 1]. Proof. reflexivity. Qed.
Example e3 : (f3 true, f3 false) = (true, false). Proof. reflexivity. Qed.
Example e4 : f4 1 = false. Proof. now simpl. Qed.
Example e5 : f5 1 = [2; 2; 3]. Proof. simpl; reflexivity. Qed.
Example e6 : 1 =? 1 = true. Proof. easy. Qed.
""",
    "scopes_of_types": """
Fixpoint all (l : list bool) : bool := match l with nil => true | cons x m => x && all m end.
Fixpoint any (n : nat) (b : bool) : bool :=
  match n with 0 => b | S m => let c := b in if c then c || any m (b && c) else negb (b || c) end.
Definition by_type : nat -> bool -> bool := fun n b => b.
Definition use (b : bool) : nat := match by_type 1 (b && true) with true => 1 | false => 2 end.
Inductive box := Box (b : bool) (l : list nat).
Definition make (b : bool) := Box (b || b) (1 :: 2 :: nil).
Definition joined (l : list nat) : list nat := 1 :: if true then l ++ l else l.
Definition cast (b : bool) := (b && b : bool).
Definition matched (b : bool) : bool := match b && b with true => b | false => b || true end.
Example e1 : all (true :: negb (true && false) :: nil) = negb (false || false).
Proof. simpl. reflexivity. Qed.
Example e2 : make true = Box true (1 :: 2 :: nil). Proof. reflexivity. Qed.
""",
    "inductive_parameter_without_type": """
Inductive tree A B := leaf | node (l : tree A B) (x : A * B) (r : tree A B).
Arguments leaf {A B}.
Arguments node {A B} l x r.
Fixpoint size {A B : Type} (t : tree A B) : nat :=
  match t with leaf => 0 | node l _ r => S (size l + size r) end.
Example e : size (node leaf (1, true) leaf) = 1. Proof. reflexivity. Qed.
""",
    "guard_through_pairs_and_fixpoints": LIST
    + """
Fixpoint pair1 (n : nat) : nat := match n with 0 => 0 | S m => let (a, b) := (m, m) in pair1 a end.
Fixpoint pair2 (n : nat) : nat :=
  match n with 0 => 1 | S m => match (m, n) with (a, b) => S (pair2 a) end end.
Definition halves (n : nat) := (n, n).
Fixpoint pair3 (n : nat) : nat :=
  match n with 0 => 1 | S m => let '(a, b) := halves m in pair3 a + pair3 b end.
Fixpoint pair4 (n : nat) : nat := match n with 0 => 0 | S m => S (pair4 (fst (m, n))) end.
Fixpoint minus1 (n : nat) : nat := match n with 0 => 0 | S m => S (minus1 (m - 3)) end.
Fixpoint minus2 (n k : nat) : nat := match n with 0 => 0 | S m => S (minus2 (m - k) k) end.
Definition sub2 := fix s (n m : nat) {struct n} : nat :=
  match n, m with S k, S l => s k l | _, _ => n end.
Fixpoint minus3 (n : nat) : nat := match n with 0 => 0 | S m => S (minus3 (sub2 m 1)) end.
Fixpoint drop {A : Type} (l : list A) (n : nat) {struct l} : list A :=
  match l with [] => l | x :: t => match n with 0 => l | S k => drop t k end end.
Fixpoint every {A : Type} (l : list A) : list A :=
  match l with [] => [] | x :: t => x :: every (drop t 1) end.
Fixpoint inner (n : nat) : nat := match n with 0 => 0 | S m =>
  S (inner ((fix g (k : nat) : nat := match k with S (S j) => g j | _ => k end) m)) end.
Fixpoint less (n : nat) : nat :=
  match n with 0 => 0 | S m => match m - 1 with 0 => 1 | S k => less k + less (k - 1) end end.
Example e1 : (pair1 3, pair2 3, pair3 3, pair4 3) = (0, 4, 8, 3). Proof. reflexivity. Qed.
Example e2 : (minus1 9, minus2 9 2, minus3 9, inner 9) = (3, 3, 5, 1). Proof. reflexivity. Qed.
Example e3 : every [1; 2; 3; 4; 5] = [1; 3; 5]. Proof. reflexivity. Qed.
Example e4 : less 9 = 3. Proof. reflexivity. Qed.
""",
    "let_fix": LIST
    + """
Require Import Arith.
Fixpoint merge (l m : list nat) : list nat :=
  let fix go m :=
    match l, m with
    | [], _ => m
    | _, [] => l
    | x :: l', y :: m' => if x <=? y then x :: merge l' m else y :: go m'
    end
  in go m.
Fixpoint ack (n m : nat) : nat :=
  match n with
  | 0 => S m
  | S p =>
      let fix inner (m : nat) := match m with 0 => ack p 1 | S q => ack p (inner q) end in inner m
  end.
Example e1 : merge [1; 3] [2; 4] = [1; 2; 3; 4]. Proof. reflexivity. Qed.
Example e2 : ack 2 3 = 9. Proof. reflexivity. Qed.
""",
    "names_of_types": LIST
    + """
Definition state := list (nat * nat).
Definition pair (A : Type) : Type := A * A.
Definition step := state -> option state.
Definition both (A B : Type) := (pair A * list B)%type.
Fixpoint get (s : state) (x : nat) : nat :=
  match s with [] => 0 | (y, v) :: s' => if Nat.eqb x y then v else get s' x end.
Definition swap {A : Type} (p : pair A) : pair A := let (a, b) := p in (b, a).
Definition run (f : step) (s : state) : state := match f s with Some t => t | None => s end.
Inductive machine := halt | more (f : step) (m : machine).
Fixpoint runs (m : machine) (s : state) : state :=
  match m with halt => s | more f n => runs n (run f s) end.
Example e1 : get [(1, 2); (3, 4)] 3 = 4. Proof. reflexivity. Qed.
Example e2 : runs (more (fun s => Some ((5, 6) :: s)) halt) [] = [(5, 6)]. Proof. reflexivity. Qed.
Example e3 : swap (1, 2) = (2, 1). Proof. reflexivity. Qed.
""",
    "guard_through_partial_calls": LIST
    + """
Inductive rose (A : Type) := node (x : A) (ts : list (rose A)).
Arguments node {A} x ts.
Fixpoint rmap {A B : Type} (f : A -> B) (t : rose A) : rose B :=
  match t with node x ts => node (f x) (map (rmap f) ts) end.
Fixpoint named {A B : Type} (f : A -> B) (t : rose A) : rose B :=
  match t with node x ts => let g := named f in node (f x) (map g ts) end.
Fixpoint weighed (k : nat) (t : rose nat) {struct t} : nat :=
  match t with node x ts => fold_right Nat.add k (map (weighed (k + x)) ts) end.
Definition apply (g : rose nat -> nat) (t : rose nat) := g t.
Fixpoint first (k : nat) (t : rose nat) {struct t} : nat :=
  match t with node _ [] => k | node x (u :: _) => apply (first (k + x)) u end.
Example e1 : rmap S (node 1 [node 2 []]) = node 2 [node 3 []]. Proof. reflexivity. Qed.
Example e2 : weighed 1 (node 2 [node 3 []; node 4 []]) = 7. Proof. reflexivity. Qed.
Example e3 : first 1 (node 2 [node 3 []]) = 3. Proof. reflexivity. Qed.
""",
    "types_of_ones_own_by_if_and_let": """
Inductive bool : Type := true | false.
Definition negb (b : bool) : bool := if b then false else true.
Inductive pairing (A : Type) := Pair (x : A) (n : nat).
Arguments Pair {A} x n.
Definition swapped (p : pairing (nat * nat)) :=
  let (x, n) := p in let (a, b) := x in Pair (b, a) n.
Definition positive_or (n d : nat) : nat := if n then d else n.
Fixpoint steps (l : list nat) : nat :=
  if l then 0 else match l with nil => 0 | cons x m => let (y, k) := (x, m) in S (steps k) end.
Example e1 : negb true = false. Proof. reflexivity. Qed.
Example e2 : swapped (Pair (1, 2) 3) = Pair (2, 1) 3. Proof. reflexivity. Qed.
Example e3 : (positive_or 0 7, positive_or 2 7) = (7, 2). Proof. reflexivity. Qed.
Example e4 : (if Some 1 then 1 else 2) = 1. Proof. reflexivity. Qed.
Example e5 : (let (a, a) := (1, 2) in a) = 2. Proof. reflexivity. Qed.
Example e6 : steps (cons 4 (cons 5 nil)) = 2. Proof. reflexivity. Qed.
""",
    "modules_that_come_along": LIST
    + """
Definition same (b c : bool) := Bool.eqb b c.
""",
}
