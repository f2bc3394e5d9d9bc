package rules

// machine are the rules of the machines.
var machine = []Rule{}
