package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-77750964/regain/lab"
)

func (p *program) env() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "env --state DIR",
		Short: "Print what a shell needs to reach the lab",
		Long: `env prints the exports with which the AWS CLI, the SDKs and regain find the lab,
as its operator. The access key is worth nothing anywhere else. REGAIN_SPEED has
regain wait as much less as the lab's time runs faster.`,
		Example: `eval "$(regain-lab env --state lab)"`,
	}
	p.command(cmd, func(context.Context) error {
		e, err := lab.ReadEndpoint(p.state)
		if err != nil {
			return fmt.Errorf("cannot find the lab in %s: does it run?", p.state)
		}
		c, err := lab.ReadCredentials(p.state)
		if err != nil {
			return fmt.Errorf("cannot find the operator's access key: %w", err)
		}
		return p.printEnv([][2]string{
			{"AWS_ENDPOINT_URL", e.URL}, {"AWS_REGION", c.Region}, {"AWS_DEFAULT_REGION", c.Region},
			{"AWS_ACCESS_KEY_ID", c.AccessKey}, {"AWS_SECRET_ACCESS_KEY", c.Secret},
			{"REGAIN_SPEED", strconv.FormatFloat(max(e.Speed, 1), 'g', -1, 64)},
		})
	})
	p.jsonFlag(cmd, "print the variables as a JSON object")
	return cmd
}

// printEnv also unsets what would come before the access key, or change it.
func (p *program) printEnv(variables [][2]string) error {
	values := map[string]string{}
	var text strings.Builder
	for _, v := range variables {
		values[v[0]] = v[1]
		fmt.Fprintf(&text, "export %s='%s'\n", v[0], strings.ReplaceAll(v[1], "'", `'\''`))
	}
	text.WriteString("unset AWS_SESSION_TOKEN AWS_PROFILE\n")
	return p.print(values, text.String())
}

func (p *program) createRole() *cobra.Command {
	var r lab.NewRole
	var policy, trust string
	cmd := &cobra.Command{
		Use:   "create-role --state DIR --name NAME --policy FILE",
		Short: "Add a role, and an instance profile of its name",
		Long: `create-role makes a role with one policy, or replaces it. A service may take the
role; another trust policy says who else.`,
		Example: `regain-lab create-role --state lab --name rescuer --policy policy.json
regain-lab create-role --state lab --name admin --policy policy.json --trust trust.json`,
	}
	p.command(cmd, func(ctx context.Context) (err error) {
		if r.Name == "" || policy == "" {
			return &usageError{text: "--name and --policy are both needed"}
		}
		if r.Policy, err = readDocument(policy); err != nil {
			return err
		}
		if trust != "" {
			if r.Trust, err = readDocument(trust); err != nil {
				return err
			}
		}
		return lab.Do(ctx, p.state, "create-role", r, &lab.Nothing{})
	})
	cmd.Flags().StringVar(&r.Name, "name", "", "the role's `name`")
	cmd.Flags().StringVar(&policy, "policy", "", "`file` with what the role may do")
	cmd.Flags().StringVar(&r.Service, "service", "ec2.amazonaws.com", "the `service` that may take the role")
	cmd.Flags().StringVar(&trust, "trust", "", "`file` with who may take the role, instead of --service")
	return cmd
}

func (p *program) putPolicy() *cobra.Command {
	policy := lab.NewPolicy{}
	var user, role, file string
	var remove bool
	cmd := &cobra.Command{
		Use:   "put-policy --state DIR --user USER|--role ROLE --name NAME --policy FILE|--delete",
		Short: "Attach a policy to a user or role, or take it away",
		Long: `put-policy attaches a policy under a name, or replaces the one of that name.
Policies count when the lab was started with --enforce-iam.`,
		Example: `regain-lab put-policy --state lab --user operator --name rescue --policy policy.json
regain-lab put-policy --state lab --user operator --name rescue --delete`,
	}
	p.command(cmd, func(ctx context.Context) (err error) {
		switch {
		case (user == "") == (role == ""):
			return &usageError{text: "exactly one of --user and --role is needed"}
		case policy.Name == "":
			return &usageError{text: "--name is missing"}
		case (file == "") != remove:
			return &usageError{text: "exactly one of --policy and --delete is needed"}
		}
		if policy.Kind, policy.Principal = "user", user; role != "" {
			policy.Kind, policy.Principal = "role", role
		}
		if !remove {
			if policy.Policy, err = readDocument(file); err != nil {
				return err
			}
		}
		return lab.Do(ctx, p.state, "put-policy", policy, &lab.Nothing{})
	})
	cmd.Flags().StringVar(&user, "user", "", "the `user` who gets it")
	cmd.Flags().StringVar(&role, "role", "", "the `role` that gets it")
	cmd.Flags().StringVar(&policy.Name, "name", "", "the policy's `name`")
	cmd.Flags().StringVar(&file, "policy", "", "`file` with the policy")
	cmd.Flags().BoolVar(&remove, "delete", false, "take the policy of that name away")
	return cmd
}

func readDocument(file string) (json.RawMessage, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, &usageError{text: fmt.Sprintf("cannot read a policy: %v", err)}
	}
	if !json.Valid(data) {
		return nil, &usageError{text: fmt.Sprintf("cannot read a policy: %s is no JSON", file)}
	}
	return data, nil
}
