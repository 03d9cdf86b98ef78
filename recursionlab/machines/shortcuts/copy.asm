# The output is the input.
machine copy
var i : int = 0

rule
  if i < length then
    output(i) := input(i)
    i := i + 1
  else
    halt
  end
end
