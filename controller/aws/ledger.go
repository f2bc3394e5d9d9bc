package aws

import (
	"context"
	"maps"
	"slices"
	"sync"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// ledger counts the requests that go out, each attempt of a call as one.
type ledger struct {
	mu     sync.Mutex
	counts map[string]int
}

func (l *ledger) middleware(stack *middleware.Stack) error {
	count := middleware.FinalizeMiddlewareFunc("regainLedger", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		l.add(action(awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)))
		return next.HandleFinalize(ctx, in)
	})
	return stack.Finalize.Add(count, middleware.After)
}

func (l *ledger) add(action string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.counts[action]++
}

// Calls names the actions that have been called so far, as IAM does, sorted.
func (c *Cloud) Calls() []string {
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	return slices.Sorted(maps.Keys(c.ledger.counts))
}

// Counts is how many requests have gone out so far for each action.
func (c *Cloud) Counts() map[string]int {
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	return maps.Clone(c.ledger.counts)
}

// prefixes are IAM's names of the services, by the SDK's.
var prefixes = map[string]string{
	"EC2": "ec2", "SSM": "ssm", "STS": "sts", "IAM": "iam", "KMS": "kms", "S3": "s3",
	"Auto Scaling": "autoscaling", "Service Quotas": "servicequotas",
}

// action is IAM's name of an operation. They differ in S3 only.
func action(service, operation string) string {
	if service == "S3" && (operation == "HeadBucket" || operation == "ListObjectsV2") {
		operation = "ListBucket"
	}
	if prefix, ok := prefixes[service]; ok {
		service = prefix
	}
	return service + ":" + operation
}
