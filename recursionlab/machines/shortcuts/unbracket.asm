# The input without its brackets.
machine unbracket
token "(" ")"
var i : int = 0
var n : int = 0

rule
  if i >= length then
    halt
  else
    i := i + 1
    if input(i) != "(" and input(i) != ")" then
      output(n) := input(i)
      n := n + 1
    end
  end
end
