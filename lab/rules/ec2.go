package rules

// ec2 are the rules of EC2.
var ec2 = []Rule{}
