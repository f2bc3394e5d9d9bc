package rules

// ssm are the rules of Systems Manager.
var ssm = []Rule{}
