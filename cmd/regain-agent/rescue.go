package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-77750964/regain/agent"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/userdata"
)

func (p *program) rescue() *cobra.Command {
	t := &offline.Task{}
	var public, fallback string
	cmd := &cobra.Command{
		Use:   "rescue SOURCE",
		Short: "Put a working SSH key in place, or arm a new Windows password",
		Long: `rescue adds a key for the login user where sshd will find it, and repairs what
keeps sshd from taking it, by small edits that weaken nothing for anybody else.
Then it mounts the volume afresh and asks again. The key is in and accepted, or
the volume is as it was and you are told why.

The key is yours (--public-key), or made here. Of a key that is made, the
private half is stored before anything is written: in Parameter Store, at
/ec2rl/openssh/INSTANCE/key unless --store says otherwise, or in a new file
that root alone can read. It is shown nowhere.

On a Windows volume, the launch agent that is installed (EC2Launch v2 or v1, or
EC2Config) is made to set a new administrator password at the next start,
encrypted to the instance's key pair. With --windows-fallback a start-up script
does so, and encrypts it to an RSA key of yours: for a system without an agent,
or an instance without its key pair.

--dry-run shows every change and makes none.`,
		Example: `regain-agent rescue --image disk.raw --public-key id_ed25519.pub --dry-run
regain-agent rescue --image disk.raw --public-key id_ed25519.pub
regain-agent rescue --image disk.raw --store file:new-key --user admin --expires 24h
regain-agent rescue --image disk.raw --instance i-0123456789abcdef0 --revoke-previous
regain-agent rescue --image windows.raw --dry-run
regain-agent rescue --image windows.raw --windows-fallback rsa.pem`,
	}
	p.command(cmd, t, func() (err error) {
		if fallback != "" {
			if t.WindowsFallback, err = agent.ReadRSAKey(fallback); err != nil {
				return err
			}
		}
		t.PublicKey, err = readKey(public)
		return err
	})
	f := cmd.Flags()
	userFlags(f, t)
	f.StringVar(&public, "public-key", "", "let in this `key` of yours: a .pub file, or its text")
	keyFlags(f, t)
	wayFlags(f, t)
	f.StringVar(&t.WindowsAgent, "windows-agent", "", "of Windows: the launch `agent` to arm, of "+strings.Join(agent.WindowsAgents(), ", ")+" (default: the likeliest)")
	f.StringVar(&fallback, "windows-fallback", "", "of Windows: have a start-up script encrypt the password to this RSA `key`: a file")
	f.StringVar(&t.WindowsUserData, "windows-user-data", "", "of Windows: what the instance's user data holds, in `words` of "+strings.Join(userdata.Words(), ", ")+" (default: not known)")
	f.StringVar(&t.Run, "run", "", "name the `run`, for a caller who must know it beforehand (default: time and chance)")
	stateFlag(f, t)
	return cmd
}

// keyFlags are about the key that is made.
func keyFlags(f *pflag.FlagSet, t *offline.Task) {
	f.StringVar(&t.Instance, "instance", "", "`id` of the instance: names the parameter for the private key")
	f.StringVar(&t.KeyType, "key-type", "auto", "`type` of the key that is made: auto, ed25519, ecdsa or rsa")
	f.StringVar(&t.Store, "store", "", "where the private key goes: ssm, ssm:NAME or file:`PATH`")
	f.StringVar(&t.KMSKey, "kms-key", "", "KMS `key` that encrypts the parameter (default: the account's own)")
	f.DurationVar(&t.Expires, "expires", 0, "let the key work for this `long` only, as in 24h")
	f.BoolVar(&t.RevokePrevious, "revoke-previous", false, "take out the keys that earlier runs have added")
}

// wayFlags are about how far rescue may go.
func wayFlags(f *pflag.FlagSet, t *offline.Task) {
	f.StringVar(&t.Repair, "repair", "", "`what` to repair beyond the usual: all, none, or of "+strings.Join(agent.Repairs(), ", "))
	f.StringVar(&t.Accept, "accept", "", "go on in spite of these `findings` on a Windows volume, by id, as the report names them")
	f.BoolVar(&t.AcceptUnknown, "accept-unknown", false, "go on where it cannot be told whether sshd will accept the key")
	f.BoolVar(&t.DryRun, "dry-run", false, "show what would be changed, and change nothing")
}
