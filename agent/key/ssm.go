package key

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
)

// ParameterStore is the part of Systems Manager that a store needs.
type ParameterStore interface {
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
	AddTagsToResource(context.Context, *ssm.AddTagsToResourceInput, ...func(*ssm.Options)) (*ssm.AddTagsToResourceOutput, error)
}

// SSMStore keeps the key as a SecureString in Parameter Store.
type SSMStore struct {
	Client ParameterStore
	Name   string
	KMSKey string // empty: the account's alias/aws/ssm
}

// The bounds of one call to Systems Manager.
const (
	ssmAttempts = 8
	ssmDeadline = 2 * time.Minute
)

// NewSSMClient connects with the SDK's normal chain of credentials, region and
// endpoint: environment, shared configuration, the helper's role. On a helper
// without a region in its environment, the metadata service gives it.
func NewSSMClient(ctx context.Context) (*ssm.Client, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithEC2IMDSRegion(), config.WithRetryer(func() aws.Retryer {
		return retry.AddWithMaxAttempts(retry.NewStandard(), ssmAttempts)
	}))
	if err != nil {
		return nil, &StoreError{Code: "aws-config", Err: fmt.Errorf("cannot read the AWS configuration: %w", err)}
	}
	if cfg.Region == "" {
		return nil, &StoreError{Code: "aws-region", Err: errors.New("cannot reach Parameter Store: no AWS region is set"), Hint: "set AWS_REGION, or keep the key in a file with --store file:PATH"}
	}
	return ssm.NewFromConfig(cfg), nil
}

// Put stores the key as a new parameter, or as a new version of the one that is
// there. PutParameter takes tags only when it creates (API reference,
// PutParameter), so a new version gets them by a second call; a failure there
// is a warning, since the key is safe.
func (s SSMStore) Put(ctx context.Context, pair *Pair, label Label) (Place, error) {
	ctx, cancel := context.WithTimeout(ctx, ssmDeadline)
	defer cancel()
	tags := []types.Tag{tag("regain:run", label.Run), tag("regain:fingerprint", pair.Public.Fingerprint())}
	in := &ssm.PutParameterInput{
		Name: &s.Name, Value: aws.String(string(pair.pem)), Type: types.ParameterTypeSecureString, Tags: tags,
		Description: aws.String(description(label, pair.Public.Fingerprint())),
	}
	if s.KMSKey != "" {
		in.KeyId = &s.KMSKey
	}
	place := Place{Parameter: s.Name}
	out, err := s.Client.PutParameter(ctx, in)
	if exists := (*types.ParameterAlreadyExists)(nil); errors.As(err, &exists) {
		in.Overwrite, in.Tags = aws.Bool(true), nil
		if out, err = s.Client.PutParameter(ctx, in); err == nil {
			place.Warnings = s.tag(ctx, tags)
		}
	}
	in.Value = nil
	if err != nil {
		return Place{}, s.explain("ssm:PutParameter", withhold(err, pair))
	}
	place.Version = out.Version
	return place, nil
}

// withhold takes the words out of an error that quotes the private key: AWS
// repeats a value that it finds invalid. The code stays.
func withhold(err error, pair *Pair) error {
	text, quotes := err.Error(), false
	for line := range bytes.Lines(pair.pem) {
		line = bytes.TrimSpace(line)
		quotes = quotes || len(line) > 0 && strings.Contains(text, string(line))
	}
	if !quotes {
		return err
	}
	code := "Unknown"
	var api smithy.APIError
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	return &smithy.GenericAPIError{Code: code, Message: "the answer is withheld, because it quotes the private key"}
}

func tag(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }

// description fits PutParameter's limit of 1024 characters.
func description(label Label, fingerprint string) string {
	of := ""
	if label.Instance != "" {
		of = " of instance " + label.Instance
	}
	return fmt.Sprintf("Private SSH key%s, added by regain run %s, fingerprint %s", of, label.Run, fingerprint)
}

func (s SSMStore) tag(ctx context.Context, tags []types.Tag) []string {
	_, err := s.Client.AddTagsToResource(ctx, &ssm.AddTagsToResourceInput{
		ResourceId: &s.Name, ResourceType: types.ResourceTypeForTaggingParameter, Tags: tags,
	})
	if err != nil {
		return []string{fmt.Sprintf("the key is stored, but its tags are not: %v", s.explain("ssm:AddTagsToResource", err))}
	}
	return nil
}

// explain names the missing permission, the throttle, or the KMS key at fault.
func (s SSMStore) explain(action string, err error) error {
	wrapped := fmt.Errorf("cannot store the key as %s: %w", s.Name, err)
	var api smithy.APIError
	if !errors.As(err, &api) {
		return &StoreError{Code: "aws-unreachable", Err: wrapped, Hint: "check credentials and network of the helper, or keep the key in a file with --store file:PATH"}
	}
	switch api.ErrorCode() {
	case "AccessDeniedException", "AccessDenied", "UnauthorizedOperation":
		return &StoreError{Code: "access-denied", Err: wrapped,
			Hint: fmt.Sprintf("allow %s on arn:aws:ssm:*:*:parameter%s for the helper's role (and kms:Encrypt on a KMS key of your own)", action, slashed(s.Name))}
	case "ThrottlingException", "Throttling", "RequestLimitExceeded", "TooManyUpdates":
		return &StoreError{Code: "throttled", Err: wrapped, Hint: fmt.Sprintf("Parameter Store refused %d attempts for their rate: wait a minute and run again", ssmAttempts)}
	case "InvalidKeyId":
		return &StoreError{Code: "kms-key", Err: wrapped, Hint: "the KMS key must exist in this region, be enabled, and allow kms:Encrypt to the helper's role"}
	case "ParameterMaxVersionLimitExceeded":
		return &StoreError{Code: "parameter-versions", Err: wrapped, Hint: "the oldest version carries a label: remove the label, or store under another name with --store ssm:NAME"}
	}
	return &StoreError{Code: "aws-" + api.ErrorCode(), Err: wrapped}
}

func slashed(name string) string {
	if name != "" && name[0] == '/' {
		return name
	}
	return "/" + name
}

// Forget leaves the parameter as it is: to delete it would need a right that
// the helper's role does not have, and would take older versions along.
func (s SSMStore) Forget(_ context.Context, place Place) (string, error) {
	return fmt.Sprintf("version %d of %s holds a key that opens nothing", place.Version, place.Parameter), nil
}
