package aws

import (
	"context"
	"fmt"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
)

// attempts is how often a call is made at most whose answer got lost.
const attempts = 3

// newRetryer repeats what did not get through. A throttle is not repeated: the
// controller knows better than one call how to slow down.
func newRetryer() sdk.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = attempts, time.Second
		o.Retryables = []retry.IsErrorRetryable{
			retry.NoRetryCanceledError{},
			retry.IsErrorRetryableFunc(func(err error) sdk.Ternary {
				if throttled(err) {
					return sdk.FalseTernary
				}
				return sdk.UnknownTernary
			}),
			retry.RetryableConnectionError{},
			retry.RetryableHTTPStatusCode{Codes: retry.DefaultRetryableHTTPStatusCodes},
		}
	})
}

// repeatable tells which operations do no harm when they are done twice: those
// that only look, and those that a token or their nature makes one of.
func repeatable(operation string) bool {
	switch operation {
	case "RunInstances", "TerminateInstances", "CreateTags", "DeleteTags", "PutObject", "DeleteObject":
		return true
	}
	for _, verb := range []string{"Describe", "Get", "List", "Head", "Simulate"} {
		if strings.HasPrefix(operation, verb) {
			return true
		}
	}
	return false
}

// once takes the retries away from what is not repeatable.
func once(stack *middleware.Stack) error {
	if repeatable(stack.ID()) {
		return nil
	}
	_, err := stack.Finalize.Remove("Retry")
	return err
}

// credentials marks the failure to get any, so that it is not taken for an
// answer of the service that was to be called.
type credentials struct{ sdk.CredentialsProvider }

// Retrieve gets credentials.
func (c credentials) Retrieve(ctx context.Context) (sdk.Credentials, error) {
	got, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return got, &credentialsError{err}
	}
	return got, nil
}

type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return fmt.Sprintf("no credentials: %v", e.err) }
func (e *credentialsError) Unwrap() error { return e.err }
