package rules

// s3 are the rules of S3.
var s3 = []Rule{
	{"s3.key", Limit(1024), "Amazon S3 User Guide, Naming Amazon S3 objects: 1,024 bytes"},
	{"s3.page", Limit(1000), "Amazon S3 API Reference, ListObjectsV2: MaxKeys"},
	{"s3.metadata", Limit(2048), "Amazon S3 User Guide, Working with object metadata: 2 KB"},
	{"s3.consistency", Fact("reads after writes are consistent"), "Amazon S3 User Guide, Amazon S3 data consistency model"},
}
