package rules

// autoscaling are the rules of EC2 Auto Scaling.
var autoscaling = []Rule{}
