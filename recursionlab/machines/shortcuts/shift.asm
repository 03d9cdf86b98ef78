# The input moved by s places to the left, going round.
machine shift
param s : int = 1
var i : int = 0

rule
  if i < length then
    output(i) := input((i + s) mod length)
    i := i + 1
  else
    halt
  end
end
