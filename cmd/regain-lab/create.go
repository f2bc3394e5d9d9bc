package main

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-77750964/regain/lab"
	"github.com/seed-77750964/regain/lab/ec2"
)

func (p *program) createInstance() *cobra.Command {
	s := &ec2.Spec{}
	var public string
	var wait bool
	var volumes, tags []string
	cmd := &cobra.Command{
		Use:   "create-instance --state DIR --image FILE",
		Short: "Add an instance as one may find it in an account",
		Long: `create-instance copies a raw disk image to a new root volume and adds an
instance to the account, which boots from it. It prints the instance's id, and
with --wait, when its sshd answers, its address behind that. Windows has none:
its id is printed when it runs.

The image stays as it is. Most flags are for what a rescue has to look out for:
what they name is there as if somebody had set it up long ago.`,
		Example: `regain-lab create-instance --state lab --image disk.raw --key-name ops
regain-lab create-instance --state lab --image disk.raw --stopped --eip --tag Name=web --tag env=prod
regain-lab create-instance --state lab --image disk.raw --spot stop --stop-protection`,
	}
	p.command(cmd, func(ctx context.Context) (err error) {
		if s.Image == "" {
			return &usageError{text: "--image is missing"}
		}
		if s.Image, err = filepath.Abs(s.Image); err != nil {
			return err
		}
		if err := parseInto(s, public, volumes, tags); err != nil {
			return err
		}
		var made lab.Created
		if err := lab.Do(ctx, p.state, "create-instance", s, &made); err != nil {
			return err
		}
		if !wait {
			return p.print(made, made.ID+"\n")
		}
		found, err := p.wait(ctx, made.ID, s)
		if err != nil {
			return err
		}
		return p.print(found, whereLine(found))
	})
	p.instanceFlags(cmd, s, &public, &volumes, &tags)
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until it runs and, on Linux, its sshd answers")
	return cmd
}

// whereLine is "ID ADDRESS", with a port that is not ssh's own.
func whereLine(found lab.Found) string {
	switch found.Port {
	case "":
		return found.ID + "\n"
	case "22":
		return found.ID + " " + found.Address + "\n"
	}
	return found.ID + " " + net.JoinHostPort(found.Address, found.Port) + "\n"
}

func (p *program) instanceFlags(cmd *cobra.Command, s *ec2.Spec, public *string, volumes, tags *[]string) {
	f := cmd.Flags()
	f.StringVar(&s.Image, "image", "", "raw disk image in a `file`, copied to the root volume")
	f.StringVar(&s.ID, "id", "", "the instance's `id` (default: made up)")
	f.StringVar(&s.Platform, "platform", "linux", "`system` on it: linux or windows")
	f.StringVar(&s.KeyName, "key-name", "", "`name` of its key pair")
	f.BoolVar(&s.Stopped, "stopped", false, "it is stopped")
	f.StringVar(&s.Type, "type", "", "instance `type` (default t3.micro, or t4g.micro for arm64)")
	f.StringVar(&s.Arch, "arch", "x86_64", "`architecture`: x86_64 or arm64")
	f.StringVar(&s.RootDevice, "root-device", "", "`name` of the root device (default /dev/xvda, or /dev/sda1 for Windows)")
	f.BoolVar(&s.RootKeeps, "root-keeps", false, "the root volume outlives the instance")
	f.StringArrayVar(volumes, "volume", nil, "another volume, as `DEVICE=GIB` or DEVICE=FILE; may be repeated")
	f.BoolVar(&s.Encrypted, "encrypted", false, "its volumes are encrypted")
	f.StringVar(&s.Key, "kms-key", "", "`key` of encrypted volumes (default: the account's)")
	f.StringVar(&s.Spot, "spot", "", "a Spot instance, which an interruption will `stop` or terminate")
	f.BoolVar(&s.Hibernation, "hibernation", false, "it is enabled for hibernation")
	f.StringArrayVar(&s.ProductCodes, "product-code", nil, "Marketplace `code` of its root volume; may be repeated")
	f.BoolVar(&s.NoStop, "stop-protection", false, "nobody may stop it")
	f.BoolVar(&s.NoTerminate, "termination-protection", false, "nobody may terminate it")
	f.StringVar(&s.Shutdown, "shutdown", "stop", "what a shutdown from inside `does`: stop or terminate")
	f.BoolVar(&s.ElasticIP, "eip", false, "it has an Elastic IP address")
	f.StringVar(public, "public-ip", "", "whether it has an automatic public `address`: true or false (default: as the subnet has it)")
	f.StringArrayVar(tags, "tag", nil, "tag, as `KEY=VALUE`; may be repeated")
	f.BoolVar(&s.StoreRoot, "instance-store", false, "its root is in instance storage")
	f.StringVar(&s.Operator, "operator", "", "the `service` that manages it")
	f.StringVar(&s.Subnet, "subnet", "", "`id` of its subnet (default: of the default VPC)")
	f.StringVar(&s.Zone, "zone", "", "availability `zone`")
	f.StringArrayVar(&s.Groups, "group", nil, "`id` of a security group; may be repeated")
	f.StringVar(&s.Profile, "profile", "", "instance `profile`: name or ARN")
	p.jsonFlag(cmd, "print the id as a JSON object")
}

// parseInto reads the flags that pflag has no type for.
func parseInto(s *ec2.Spec, public string, volumes, tags []string) error {
	for _, t := range tags {
		key, value, ok := strings.Cut(t, "=")
		if !ok || key == "" {
			return &usageError{text: fmt.Sprintf("--tag %q is no KEY=VALUE", t)}
		}
		if s.Tags == nil {
			s.Tags = map[string]string{}
		}
		s.Tags[key] = value
	}
	if public != "" {
		b, err := strconv.ParseBool(public)
		if err != nil {
			return &usageError{text: fmt.Sprintf("--public-ip %q is neither true nor false", public)}
		}
		s.Public = &b
	}
	for _, v := range volumes {
		device, what, ok := strings.Cut(v, "=")
		if !ok || device == "" || what == "" {
			return &usageError{text: fmt.Sprintf("--volume %q is no DEVICE=GIB and no DEVICE=FILE", v)}
		}
		d := ec2.Disk{Device: device}
		var err error
		if d.Size, err = strconv.Atoi(what); err != nil {
			if d.Image, err = filepath.Abs(what); err != nil {
				return err
			}
		}
		s.Volumes = append(s.Volumes, d)
	}
	return nil
}
