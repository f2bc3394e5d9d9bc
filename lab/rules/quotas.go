package rules

// quotas are the rules of Service Quotas.
var quotas = []Rule{}
