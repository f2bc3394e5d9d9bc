package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/offline/sshkey"
	"github.com/seed-77750964/regain/offline/winroot/agentconf"
)

// resetFlags is what reset is asked beside the instances.
type resetFlags struct {
	ask         controller.Ask
	publicKey   string // a file, or the key itself
	agent       string // a file
	dryRun, yes bool
	consents    map[string]*bool // by id of the risk
}

func (p *program) reset() *cobra.Command {
	r := &resetFlags{consents: map[string]*bool{}}
	cmd := &cobra.Command{
		Use:   "reset INSTANCE...",
		Short: "Regain access: a new SSH key, or a new Windows password",
		Long: `reset lets a new key in. It looks at the instance first, and refuses what it
cannot bring home, before anything is changed. A helper instance is launched
and ready before yours is stopped, so that yours is down for as short as EC2
allows.

The new private key is made on the helper and stored in Parameter Store, at
/ec2rl/openssh/INSTANCE/key, encrypted. regain key fetches it. With --keys
controller it is made here, and with --public-key yours is let in.

A Windows instance is made to set a new administrator password at its next
start: by its launch agent, encrypted to its key pair, or with --public-key by
a start-up script, encrypted to that RSA key. regain password decrypts it.

A backup of the instance is made, unless --backup none, and kept if its volume
was written to; of Windows, a second image that makes a password of its own.
The helper and everything else that was made for the run is gone afterwards.

The instance is stopped: you are asked first, or say --yes. --dry-run shows
what would be done, the risks, and the permissions that it takes.`,
		Example: `regain reset i-0123456789abcdef0 --dry-run
regain reset i-0123456789abcdef0 --user admin --yes
regain reset i-0123456789abcdef0 --public-key ~/.ssh/id_ed25519.pub --backup snapshot --yes`,
		Args: arguments(1, 1000, "the id of an instance"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.doReset(cmd.Context(), r, args) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	r.keyFlags(f)
	r.placeFlags(f)
	r.consentFlags(f)
	cmd.PreRunE = exclusive("windows-agent", "public-key")
	f.BoolVar(&r.dryRun, "dry-run", false, "show plan, risks and permissions, and change nothing")
	f.BoolVarP(&r.yes, "yes", "y", false, "do not ask before the instance is stopped")
	return cmd
}

// keyFlags are about the key and the repair; the agent's have the same names.
func (r *resetFlags) keyFlags(f *pflag.FlagSet) {
	a := &r.ask
	f.StringArrayVar(&a.Users, "user", nil, "the `user` who wants to log in; may be repeated (default: the likeliest)")
	f.StringVar(&r.publicKey, "public-key", "", "let in this `key` of yours: a .pub or PEM file, or its text; of Windows: encrypt the password to it")
	f.StringVar(&a.Keys, "keys", controller.KeysAgent, "`where` the key is made: agent or controller")
	f.StringVar(&a.KeyType, "key-type", "auto", "`type` of the key that is made: auto, ed25519, ecdsa or rsa")
	f.StringVar(&a.KMSKey, "kms-key", "", "KMS `key` that encrypts the parameter (default: the account's own)")
	f.DurationVar(&a.Expires, "expires", 0, "let the key work for this `long` only, as in 24h")
	f.BoolVar(&a.RevokePrevious, "revoke-previous", false, "take out the keys that earlier runs have added")
	f.StringVar(&a.Repair, "repair", "", "`what` to repair beyond the usual: all, none, or ids of findings")
	f.StringVar(&a.InSpiteOf, "accept", "", "go on in spite of these `findings` on a Windows volume, by id, as the outcome names them")
	f.StringVar(&a.WindowsAgent, "windows-agent", "", "of Windows: the launch `agent` to arm, of "+strings.Join(windowsAgents, ", ")+" (default: the likeliest)")
	f.BoolVar(&a.AcceptUnknown, "accept-unknown", false, "go on where it cannot be told whether sshd will accept the key")
	f.StringVar(&a.Verify, "verify", controller.VerifyAuto, "`whether` to prove the key by a login: auto, always or never")
}

// windowsAgents are those that can be named.
var windowsAgents = []string{string(agentconf.EC2LaunchV2), string(agentconf.EC2LaunchV1), string(agentconf.EC2Config)}

// placeFlags are about the backup and the helper.
func (r *resetFlags) placeFlags(f *pflag.FlagSet) {
	a := &r.ask
	f.StringVar(&a.Backup, "backup", controller.BackupAMI, "`what` to keep of the instance as it was: ami, snapshot or none")
	f.StringVar(&a.Subnet, "subnet", controller.SubnetAuto, "`where` the helper goes: auto, selected, new-vpc or subnet-…")
	f.StringVar(&a.HelperType, "helper-type", "", "instance `type` of the helper (default: a small one)")
	f.StringVar(&a.HelperAMI, "helper-ami", "", "`AMI` of the helper (default: the newest Amazon Linux; for Windows, Ubuntu)")
	f.StringVar(&a.Profile, "instance-profile", "regain-helper", "`name` of the helper's instance profile")
	f.StringVar(&a.Bucket, "bucket", "", "S3 `bucket` that delivers the agent (default: regain-ACCOUNT-REGION)")
	f.BoolVar(&a.Installed, "agent-installed", false, "the helper's AMI has regain-agent: deliver nothing")
	f.StringVar(&r.agent, "agent", "", "`file` of the regain-agent to deliver (default: the one in this program)")
}

// consentFlags accept risks; each is named by the risk.
func (r *resetFlags) consentFlags(f *pflag.FlagSet) {
	for _, c := range controller.Consents() {
		r.consents[c.Risk] = f.Bool(strings.TrimPrefix(c.Flag, "--"), false, c.Usage)
	}
}

func (r *resetFlags) asks(instances []string) ([]controller.Ask, error) {
	ask := r.ask
	if err := r.key(); err != nil {
		return nil, err
	}
	if r.publicKey != "" {
		key, err := readPublicKey(r.publicKey)
		if err != nil {
			return nil, err
		}
		ask.PublicKey, ask.Keys = key, controller.KeysGiven
	}
	for id, given := range r.consents {
		if *given {
			ask.Accept = append(ask.Accept, id)
		}
	}
	if err := r.windows(&ask); err != nil {
		return nil, err
	}
	if err := oneOf("--backup", ask.Backup, controller.BackupAMI, controller.BackupSnapshot, controller.BackupNone); err != nil {
		return nil, err
	}
	if err := oneOf("--verify", ask.Verify, controller.VerifyAuto, controller.VerifyAlways, controller.VerifyNever); err != nil {
		return nil, err
	}
	var asks []controller.Ask
	seen := map[string]bool{}
	for _, id := range instances {
		if seen[id] {
			return nil, &usageError{fmt.Sprintf("instance %q is named twice", id), ""}
		}
		seen[id] = true
		ask.Instance = id
		asks = append(asks, ask)
	}
	return asks, nil
}

// key checks what is asked of a key that is made, before anything is begun.
func (r *resetFlags) key() error {
	if err := oneOf("--keys", r.ask.Keys, controller.KeysAgent, controller.KeysController); err != nil {
		return err
	}
	if err := oneOf("--key-type", r.ask.KeyType, "auto", "ed25519", "ecdsa", "rsa"); err != nil {
		return err
	}
	switch {
	case r.ask.Keys == controller.KeysController && r.ask.KeyType == "ecdsa":
		return &usageError{"--keys controller makes no ecdsa key", "leave --keys out: the helper makes it; or say --key-type ed25519 or rsa"}
	case r.ask.Expires < 0:
		return &usageError{"--expires must lie in the future", "as in --expires 24h"}
	}
	return nil
}

// findingID is how the ids of findings look that --accept takes.
var findingID = regexp.MustCompile(`^windows/[a-z0-9-]+$`)

// windows checks what only Windows instances are asked. Who accepts Sysprep on the
// volume accepts it in user data, too.
func (r *resetFlags) windows(ask *controller.Ask) error {
	if ask.WindowsAgent != "" {
		if err := oneOf("--windows-agent", ask.WindowsAgent, windowsAgents...); err != nil {
			return err
		}
	}
	if ask.InSpiteOf == "" {
		return nil
	}
	for id := range strings.SplitSeq(ask.InSpiteOf, ",") {
		if !findingID.MatchString(id) {
			return &usageError{fmt.Sprintf("--accept %q is no id of a finding on a Windows volume", id), "it takes ids with commas between, as in windows/hive-log,windows/sysprep"}
		}
		if id == "windows/sysprep" && !ask.Accepts("windows-sysprep") {
			ask.Accept = append(ask.Accept, "windows-sysprep")
		}
	}
	return nil
}

func oneOf(flag, value string, allowed ...string) error {
	for _, a := range allowed {
		if value == a {
			return nil
		}
	}
	return &usageError{fmt.Sprintf("%s %q is none of %s", flag, value, strings.Join(allowed, ", ")), ""}
}

// maxPublicKey bounds the file, in bytes: an RSA key of 16,384 bits has 2.8 KB.
const maxPublicKey = 16 << 10

// readPublicKey takes a key as it stands, or from a file.
func readPublicKey(arg string) (string, error) {
	text := arg
	if !strings.Contains(strings.TrimSpace(arg), " ") {
		info, err := os.Stat(arg)
		if err != nil {
			return "", &usageError{fmt.Sprintf("cannot read the public key: %v", err), "--public-key takes a .pub file, or the key itself in quotes"}
		}
		if info.Size() > maxPublicKey {
			return "", &usageError{fmt.Sprintf("%q is too large for a public key", arg), ""}
		}
		data, err := os.ReadFile(arg)
		if err != nil {
			return "", fmt.Errorf("cannot read the public key: %w", err)
		}
		text = string(data)
	}
	if line, ok := fromPEM([]byte(text)); ok {
		return line, nil
	}
	key, err := sshkey.ParsePublicInput([]byte(text))
	if err != nil {
		return "", &usageError{"cannot use the public key: " + err.Error(), "--public-key takes one line as in id_ed25519.pub; never the private half"}
	}
	return key.String(), nil
}

// fromPEM is a public key in PEM as a line of OpenSSH's.
func fromPEM(text []byte) (string, bool) {
	block, _ := pem.Decode(text)
	if block == nil {
		return "", false
	}
	var key any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default: // a private key above all
		return "", false
	}
	if err != nil {
		return "", false
	}
	public, err := ssh.NewPublicKey(key)
	if err != nil {
		return "", false
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))), true
}

func (p *program) doReset(ctx context.Context, r *resetFlags, instances []string) error {
	asks, err := r.asks(instances)
	if err != nil {
		return err
	}
	c, done, err := p.controller(ctx, r.agent)
	if err != nil {
		return err
	}
	defer done()
	plans, err := p.plans(ctx, c, asks)
	if err != nil {
		return err
	}
	refused := p.showPlans(plans, r.dryRun)
	switch {
	case r.dryRun && refused:
		p.code = exitFindings
		return nil
	case r.dryRun:
		return nil
	case refused:
		p.code = exitFailed
		p.say("refused: nothing was changed")
		return nil
	}
	if err := p.consent(ctx, r, plans); err != nil {
		return err
	}
	return p.drive(func() ([]controller.Outcome, error) { return c.Reset(ctx, asks...) })
}

func (p *program) plans(ctx context.Context, c *controller.Controller, asks []controller.Ask) ([]controller.Plan, error) {
	var plans []controller.Plan
	for _, a := range asks {
		plan, err := c.Plan(ctx, a)
		if err != nil {
			return nil, err
		}
		plans = append(plans, plan)
	}
	return plans, nil
}

// showPlans prints the plans where somebody wants to see them: on stdout for a
// dry run, as progress otherwise.
func (p *program) showPlans(plans []controller.Plan, dryRun bool) (refused bool) {
	for _, plan := range plans {
		refused = refused || plan.Refused()
		switch {
		case p.json:
			p.object(map[string]any{"plan": plan})
		case dryRun:
			p.print(planPage(plan, true))
		default:
			fmt.Fprint(p.stderr, planPage(plan, false))
		}
	}
	return refused
}

// consent asks before an instance is stopped.
func (p *program) consent(ctx context.Context, r *resetFlags, plans []controller.Plan) error {
	var down []string
	for _, plan := range plans {
		if state := plan.Original.Instance.State; state == controller.Running || state == controller.Pending {
			down = append(down, plan.Original.Instance.ID)
		}
	}
	if len(down) == 0 {
		return nil
	}
	all := strings.Join(down, ", ")
	return p.confirm(ctx, r.yes, "Stop "+all, all+" would be stopped")
}

// confirm asks before something is done, unless the yes was given already. would
// is what would be done, for whoever cannot be asked.
func (p *program) confirm(ctx context.Context, yes bool, what, would string) error {
	switch {
	case yes:
		return nil
	case !p.asks:
		return &usageError{"nothing was begun: " + would + ", and there is nobody to ask", "say --yes"}
	}
	fmt.Fprintf(p.stderr, "\n%s and go on? [y/N] ", what)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(p.stdin).ReadString('\n') // no answer is a no
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case a := <-answer:
		if a == "y" || a == "yes" {
			return nil
		}
	case <-ctx.Done():
		fmt.Fprintln(p.stderr)
	}
	return errDeclined
}
