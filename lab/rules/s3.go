package rules

// s3 are the rules of S3.
var s3 = []Rule{}
