// Package aws is the cloud of a rescue over the AWS SDK: each method of
// controller.Cloud in as few calls of the API as it takes, and each refusal
// sorted by what can be done about it.
//
// It decides nothing and waits for nothing: what has an effect only later is
// looked at again by who asked for it. A call that changes something and cannot
// be repeated safely is made once, and the loss of its answer is told as such.
package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/seed-77750964/regain/controller"
)

// Options choose the account and the region. What is empty comes from where the
// AWS CLI takes it too: environment, shared configuration, SSO, an instance's role.
type Options struct {
	Region      string
	Profile     string
	EndpointURL string
	RoleARN     string // assumed with the credentials found
	SessionName string // of the assumed role; empty: regain
	ExternalID  string // of the assumed role
	// Token asks for the code of an MFA device, where a profile needs one; nil:
	// such a profile is refused.
	Token func() (string, error)
}

// Cloud is one account in one region. It implements controller.Cloud and may be
// used by many at once.
type Cloud struct {
	ec2         *ec2.Client
	ssm         *ssm.Client
	sts         *sts.Client
	iam         *iam.Client
	kms         *kms.Client
	s3          *s3.Client
	presign     *s3.PresignClient
	autoscaling *autoscaling.Client
	quotas      *servicequotas.Client

	region string
	ledger ledger

	mu     sync.Mutex
	caller *controller.Caller
	roots  map[string]string // of images: the name of the root device
}

var _ controller.Cloud = (*Cloud)(nil)

// New finds credentials and region. It calls nothing yet, unless the credentials
// have to be fetched to be known.
func New(ctx context.Context, o Options) (*Cloud, error) {
	cfg, err := config.LoadDefaultConfig(ctx, o.load()...)
	if err != nil {
		return nil, fmt.Errorf("cannot read the AWS configuration: %w", err)
	}
	cfg.Logger = logging.Nop{} // what fails is returned, and what is printed is cmd's business
	if cfg.Region == "" {
		return nil, errors.New("cannot tell the region: set AWS_REGION, or a region in the profile")
	}
	if o.RoleARN != "" {
		cfg.Credentials = sdk.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), o.RoleARN, o.assume))
	}
	cfg.Credentials = credentials{cfg.Credentials}
	return newCloud(cfg), nil
}

func newCloud(cfg sdk.Config) *Cloud {
	c := &Cloud{region: cfg.Region, roots: map[string]string{}}
	cfg.Retryer = newRetryer
	cfg.APIOptions = append(cfg.APIOptions, once, c.ledger.middleware)
	c.ec2 = ec2.NewFromConfig(cfg)
	c.ssm = ssm.NewFromConfig(cfg)
	c.sts = sts.NewFromConfig(cfg)
	c.iam = iam.NewFromConfig(cfg)
	c.kms = kms.NewFromConfig(cfg)
	c.s3 = s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil // an endpoint of one's own seldom has a name for each bucket
		o.ResponseChecksumValidation = sdk.ResponseChecksumValidationWhenRequired
	})
	c.presign = s3.NewPresignClient(c.s3)
	c.autoscaling = autoscaling.NewFromConfig(cfg)
	c.quotas = servicequotas.NewFromConfig(cfg)
	return c
}

// The bounds of one call, with its retries; that of an upload is for slow lines.
const (
	callLimit   = time.Minute
	uploadLimit = 15 * time.Minute
)

func (o Options) load() []func(*config.LoadOptions) error {
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.TLSHandshakeTimeout = 10 * time.Second
		t.ResponseHeaderTimeout = 20 * time.Second
		t.MaxIdleConnsPerHost = 16 // many runs side by side
	})
	load := []func(*config.LoadOptions) error{
		config.WithHTTPClient(client),
		config.WithAssumeRoleCredentialOptions(func(a *stscreds.AssumeRoleOptions) { a.TokenProvider = o.Token }),
	}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	if o.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(o.Profile))
	}
	if o.EndpointURL != "" {
		load = append(load, config.WithBaseEndpoint(o.EndpointURL))
	}
	return load
}

func (o Options) assume(a *stscreds.AssumeRoleOptions) {
	a.RoleSessionName, a.TokenProvider = "regain", o.Token
	if o.SessionName != "" {
		a.RoleSessionName = o.SessionName
	}
	if o.ExternalID != "" {
		a.ExternalID = &o.ExternalID
	}
}

// call makes one call, and sorts its failure.
func call[I, O, Opt any](ctx context.Context, f func(context.Context, *I, ...func(*Opt)) (*O, error), in *I) (*O, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	out, err := f(ctx, in)
	return out, failure(err)
}

// do is call for who needs no answer.
func do[I, O, Opt any](ctx context.Context, f func(context.Context, *I, ...func(*Opt)) (*O, error), in *I) error {
	_, err := call(ctx, f, in)
	return err
}

// paginator is what the SDK's have in common.
type paginator[O, Opt any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*Opt)) (*O, error)
}

// pages reads all pages of a list.
func pages[O, Opt any](ctx context.Context, p paginator[O, Opt], each func(*O)) error {
	for p.HasMorePages() {
		page, cancel := context.WithTimeout(ctx, callLimit)
		out, err := p.NextPage(page)
		cancel()
		if err != nil {
			return failure(err)
		}
		each(out)
	}
	return nil
}
