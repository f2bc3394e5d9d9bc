package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-77750964/regain/controller"
)

type replaceFlags struct {
	keyName     string
	dryRun, yes bool
}

func (p *program) replace() *cobra.Command {
	r := &replaceFlags{}
	cmd := &cobra.Command{
		Use:   "replace INSTANCE",
		Short: "Launch a Windows instance anew, with a key pair that you have",
		Long: `replace launches a new instance from the password-enabled image that a reset
of a Windows instance has made: for when the private key of its key pair is
lost. The new one has the type, the subnet, the security groups, the instance
profile and the tags of the old one, and tells a password of its own, which
regain password decrypts with the key pair that you name.

The old instance stays as it is. In what the new one differs is said first,
and you are asked, or say --yes. Called again it launches no other.

It takes more rights than the controller's policy gives: regain policy replace
prints them.`,
		Example: `regain replace i-0123456789abcdef0 --key-name mine --dry-run
regain replace i-0123456789abcdef0 --key-name mine`,
		Args: arguments(1, 1, "the id of an instance"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.doReplace(cmd.Context(), r, args[0]) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&r.keyName, "key-name", "", "`name` of an RSA key pair in EC2 whose private key you have")
	f.BoolVar(&r.dryRun, "dry-run", false, "say what would be launched, and change nothing")
	f.BoolVarP(&r.yes, "yes", "y", false, "do not ask before it is launched")
	return cmd
}

func (p *program) doReplace(ctx context.Context, r *replaceFlags, instance string) error {
	if err := controller.CheckInstanceID(instance); err != nil {
		return &usageError{err.Error(), ""}
	}
	if r.keyName == "" {
		return &usageError{"the name of a key pair is missing", "say --key-name NAME; aws ec2 import-key-pair makes one of a public key"}
	}
	c, done, err := p.controller(ctx, "")
	if err != nil {
		return err
	}
	defer done()
	plan, err := c.PlanReplacement(ctx, instance, r.keyName)
	if err != nil {
		return &noReplacement{err}
	}
	p.showReplacement(plan, r.dryRun)
	if r.dryRun {
		return nil
	}
	if plan.Existing == "" {
		if err := p.confirm(ctx, r.yes, "Launch an instance in place of "+instance, "an instance would be launched"); err != nil {
			return err
		}
	}
	id, err := c.Replace(ctx, plan)
	if err != nil {
		return &noReplacement{err}
	}
	if p.json {
		p.object(map[string]any{"replaced": map[string]any{"instance": id, "of": instance, "existing": plan.Existing != ""}})
		return nil
	}
	page := &page{given: p.given()}
	page.line("%s", replacedLine(id, plan))
	page.section("Log in")
	page.copied("regain password " + id + " --key FILE")
	p.print(page.String())
	return nil
}

func replacedLine(id string, plan controller.Replacement) string {
	if plan.Existing != "" {
		return "ALREADY LAUNCHED: " + id + ", in place of " + plan.Of + "."
	}
	return "LAUNCHED: " + id + ", in place of " + plan.Of + "."
}

// showReplacement prints the plan where somebody wants to see it.
func (p *program) showReplacement(plan controller.Replacement, dryRun bool) {
	switch {
	case p.json:
		p.object(map[string]any{"replacement": plan})
	case dryRun:
		p.print(replacementPage(plan))
	default:
		fmt.Fprint(p.stderr, replacementPage(plan))
	}
}

func replacementPage(plan controller.Replacement) string {
	page := &page{}
	if plan.Existing != "" {
		page.line("%s", replacedLine(plan.Existing, plan))
		return page.String()
	}
	page.line("REPLACEMENT of %s: a new instance", plan.Of)
	page.field("image", plan.Image)
	page.field("key pair", plan.KeyName)
	page.field("type", plan.Type)
	page.field("subnet", plan.Subnet)
	page.field("groups", strings.Join(plan.Groups, ", "))
	page.field("profile", plan.Profile)
	page.section("Not as it was")
	for _, d := range plan.Differs {
		page.wrapped("  - ", d)
	}
	return page.String()
}

// noReplacement says what to do about it.
type noReplacement struct{ err error }

func (e *noReplacement) Error() string { return e.err.Error() }
func (e *noReplacement) Unwrap() error { return e.err }
func (e *noReplacement) details() string {
	var none *controller.NoImageError
	switch {
	case errors.As(e.err, &none) && none.Pending != "":
		return "wait for it: aws ec2 wait image-available --image-ids " + none.Pending
	case errors.As(e.err, &none):
		return "regain reset " + none.Instance + " makes one, with --backup ami and without --public-key; or, with --public-key, resets the instance itself by an RSA key" +
			" of yours, and nothing needs to be replaced"
	}
	var refused *controller.CloudError
	if !errors.As(e.err, &refused) || refused.Action != "ec2:RunInstances" {
		return cloudHint(e.err)
	}
	switch {
	case refused.Kind == controller.Denied:
		return "regain policy replace --role ROLE prints what it takes beside the controller's policy; ROLE is that of the instance's profile"
	case refused.Kind == controller.Quota:
		return "stop the old instance first, if the new one takes its place in the quota too, or have the quota raised"
	case refused.Kind == controller.Capacity:
		return "EC2 has no room for such a machine in that zone now: try again later"
	case refused.Code == "IdempotentParameterMismatch":
		return "one was launched a moment ago, from an instance with other settings or tags: run again in a minute, and it is found"
	}
	return cloudHint(e.err)
}
