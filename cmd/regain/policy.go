package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-77750964/regain/controller/policy"
	"github.com/seed-77750964/regain/controller/policy/template"
)

func (p *program) policy() *cobra.Command {
	scope, tag := policy.Scope{Features: policy.All()}, ""
	cmd := &cobra.Command{
		Use:   "policy controller|helper|trust|replace",
		Short: "Print the IAM policies, least privilege",
		Long: `policy prints the IAM policy of whoever runs regain (controller), of the helper
instance's role (helper), or the trust policy of that role (trust), as JSON.
They allow the calls that regain makes, and nothing else; they are made from
the same list that a reset asks IAM to simulate before it begins. What regain
replace takes beside the controller's policy is one of its own (replace); the
role that it may pass is the one that --role names.

Account, region and partition are those of the caller unless flags say
otherwise; then no call is made.`,
		Example: `regain policy controller --partition aws --account 123456789012 --policy-region eu-central-1
regain policy helper --partition aws-cn --account 123456789012 --policy-region cn-north-1`,
		Args: arguments(1, 1, "which policy: controller, helper, trust or replace"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := readTag(&scope, tag); err != nil {
				return err
			}
			return p.doPolicy(cmd.Context(), scope, args[0])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&scope.Partition, "partition", "", "`partition`: aws, aws-cn, aws-us-gov")
	f.StringVar(&scope.Account, "account", "", "`account` number")
	f.StringVar(&scope.Region, "policy-region", "", "`region` that the policy is for")
	f.StringVar(&tag, "tag", "", "allow to touch instances with this tag only, as in `KEY=VALUE`")
	f.StringVar(&scope.Bucket, "bucket", "", "`bucket` that delivers the agent (default: regain-ACCOUNT-REGION)")
	f.StringVar(&scope.Role, "role", "", "`name` of the helper's role (default: regain-helper); for replace, of the instance's")
	f.StringArrayVar(&scope.KMSKeys, "kms-key", nil, "ARN of a KMS `key` that encrypts volumes or parameters; may be repeated (default: any of the account)")
	return cmd
}

func readTag(scope *policy.Scope, tag string) error {
	if tag == "" {
		return nil
	}
	var ok bool
	if scope.TagKey, scope.TagValue, ok = strings.Cut(tag, "="); !ok || scope.TagKey == "" || scope.TagValue == "" {
		return &usageError{fmt.Sprintf("--tag %q is no KEY=VALUE", tag), ""}
	}
	return nil
}

func (p *program) doPolicy(ctx context.Context, scope policy.Scope, which string) error {
	if scope.Partition == "" || scope.Account == "" || scope.Region == "" {
		if err := p.fillScope(ctx, &scope); err != nil {
			return err
		}
	}
	var documents []policy.Document
	switch which {
	case "controller":
		documents = policy.Controller(scope)
	case "helper":
		documents = []policy.Document{policy.Helper(scope)}
	case "trust":
		documents = []policy.Document{policy.Trust(scope)}
	case "replace":
		documents = []policy.Document{policy.Replace(scope)}
		if scope.Role == "" {
			p.say("it passes no role: name the instance's with --role, if it has one")
		}
	default:
		return &usageError{fmt.Sprintf("there is no policy %q", which), "the policies are controller, helper, trust and replace"}
	}
	for i, d := range documents {
		if len(documents) > 1 {
			p.say(fmt.Sprintf("policy %d of %d (IAM bounds the size of one)", i+1, len(documents)))
		}
		text, err := json.MarshalIndent(d, "", "  ")
		if err != nil {
			return fmt.Errorf("cannot print the policy: %w", err)
		}
		p.print(string(text) + "\n")
	}
	return nil
}

// fillScope asks who the caller is.
func (p *program) fillScope(ctx context.Context, scope *policy.Scope) error {
	cloud, err := p.connect(ctx, p.account)
	if err != nil {
		return err
	}
	caller, err := cloud.Caller(ctx)
	if err != nil {
		return fmt.Errorf("cannot tell whose policy to print: %w", err)
	}
	for _, f := range []struct {
		field *string
		value string
	}{{&scope.Partition, caller.Partition}, {&scope.Account, caller.Account}, {&scope.Region, caller.Region}} {
		if *f.field == "" {
			*f.field = f.value
		}
	}
	return nil
}

// templates are the names that setup knows, and those of the files.
var templates = map[string]string{"account": "regain-setup", "helper": "regain-helper", "controller": "regain-controller"}

func (p *program) setup() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "setup account|helper|controller",
		Short: "Print the CloudFormation template that an account needs once",
		Long: `setup prints a CloudFormation template, and says how to deploy it. An
administrator deploys it once; regain itself never makes roles.

account    the helper's role and instance profile, and the bucket by which the
           agent is delivered: all that a reset needs. A bucket is for one
           region: deploy it in each, after the first with Helper=exists
helper     the role and instance profile alone, where nothing is delivered or a
           bucket of yours is named
controller a role for whoever runs regain, to be assumed with --role-arn`,
		Example: `regain setup account --out regain-setup.yaml
regain setup controller`,
		Args: arguments(1, 1, "which template: account, helper or controller"),
		RunE: func(_ *cobra.Command, args []string) error { return p.doSetup(args[0], out) },
	}
	cmd.Flags().StringVar(&out, "out", "", "`file` to write, instead of stdout")
	return cmd
}

func (p *program) doSetup(which, out string) error {
	name, ok := templates[which]
	if !ok {
		return &usageError{fmt.Sprintf("there is no template %q", which), "the templates are account, helper and controller"}
	}
	text, err := template.Build(name)
	if err != nil {
		return err
	}
	file := out
	if out == "" {
		p.print(string(text))
		file = "FILE"
	} else if err := os.WriteFile(out, text, 0o644); err != nil {
		return fmt.Errorf("cannot write the template: %w", err)
	}
	p.say(fmt.Sprintf("deploy it once: aws cloudformation deploy --stack-name %s --template-file %s --capabilities CAPABILITY_NAMED_IAM", name, file))
	if which == "account" {
		p.say("and in each further region with --parameter-overrides Helper=exists, as the role is the account's")
	}
	return nil
}
