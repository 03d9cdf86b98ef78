# The input backwards.
machine reverse
var i : int = 0

rule
  if i < length then
    output(length - 1 - i) := input(i)
    i := i + 1
  else
    halt
  end
end
