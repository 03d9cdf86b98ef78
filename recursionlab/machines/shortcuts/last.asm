# The last m tokens; what stands before them is forgotten.
machine last
param m : int = 1
var i : int = max(0, length - max(0, m))
var n : int = 0

rule
  if i < length then
    output(n) := input(i)
    i := i + 1
    n := n + 1
  else
    halt
  end
end
