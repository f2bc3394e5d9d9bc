package controller

import (
	"context"
	"crypto/rsa"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/userdata"
	"github.com/seed-77750964/regain/offline/winroot/agentconf"
)

// Windows is the platform of an instance that runs it.
const Windows = "windows"

// windowsChecks are about what it takes for a launch agent of Windows to make a
// new password and to tell it. The agent sets it first and encrypts it then, to
// the public half of the key pair as the metadata service gives it: where that
// cannot be had, the password is changed and nobody knows it.
var windowsChecks = []check{
	{
		id: "windows-public-key", title: "a Windows password is encrypted to RSA keys of 2048 to 4096 bits only", look: unfitKey,
		instead: "Name such a key with --public-key, in PEM or in the form of OpenSSH, or leave it to the instance's key pair",
	},
	{
		id: "windows-not-for", title: "what was asked for is about SSH",
		instead: "Leave it out: a Windows instance gets a new administrator password, and no key",
		look: func(s *situation) []string {
			flags := s.ask.ofSSH()
			return when(s.windows() && len(flags) > 0, "the instance runs Windows, and %s was given", strings.Join(flags, ", "))
		},
	},
	{
		id: "not-windows", title: "what was asked for is about Windows",
		instead: "Leave it out: on other systems a key is let in",
		look: func(s *situation) []string {
			asked := s.ask.InSpiteOf != "" || s.ask.WindowsAgent != ""
			return when(!s.windows() && asked, "the instance does not run Windows, and --accept or --windows-agent was given")
		},
	},
	{
		id: "windows-online", title: "Systems Manager reaches it", note: true,
		instead: "It can get a new password without being stopped, if its role may write the parameter that it goes to: aws ssm send-command" +
			" --document-name AWSSupport-RunEC2RescueForWindowsTool --parameters Command=ResetAccess --instance-ids INSTANCE",
		look: func(s *situation) []string {
			return when(s.online, "its agent is online")
		},
	},
	{
		id: "windows-no-key-pair", title: "the instance has no key pair",
		instead: "Its launch agent would set a new password and could not encrypt it for anybody: " + useScript,
		look: func(s *situation) []string {
			return when(s.byAgent() && s.was.Instance.KeyName == "", "it was launched without one")
		},
	},
	{
		id: "windows-key-pair-gone", title: "EC2 no longer has the instance's key pair",
		flag: "--accept-unknown-key-pair", usage: "the private key of the Windows instance's key pair is at hand, and is RSA",
		instead: "The instance still has its public half. If you have the private half and it is RSA, say so; else " + useScript,
		look: func(s *situation) []string {
			return when(s.byAgent() && s.noKeyPair, "there is no key pair %q in this region", s.was.Instance.KeyName)
		},
	},
	{
		id: "windows-key-pair-type", title: "the instance's key pair is not RSA",
		instead: "A launch agent encrypts the password by RSA and by nothing else, and it would be set, and lost: " + useScript,
		look: func(s *situation) []string {
			return when(s.byAgent() && s.keyPair.Name != "" && s.keyPair.Type != "rsa", "key pair %q is of the type %s", s.keyPair.Name, orUnknown(s.keyPair.Type))
		},
	},
	{
		id: "windows-metadata-off", title: "its metadata service is off",
		instead: "The launch agent asks it for the public key that it encrypts the password to: turn it on with" +
			" aws ec2 modify-instance-metadata-options --http-endpoint enabled --instance-id INSTANCE, or " + useScript,
		look: func(s *situation) []string {
			return when(s.byAgent() && s.was.Instance.MetadataOff, "its HTTP endpoint is disabled")
		},
	},
	{
		id: "windows-metadata-tokens", title: "its metadata service wants tokens (IMDSv2)", note: true, late: true,
		flag: "--accept-imdsv2", usage: "the launch agent of the Windows instance is new enough for IMDSv2, whatever its volume tells of it",
		instead: "EC2Launch v2 asks with tokens, and EC2Launch since 1.3.2002730. If the volume turns out to have another launch agent, which would set" +
			" the password and lose it, everything is taken back, unless --accept-imdsv2 is given; let the service answer without tokens for this one" +
			" start instead, or " + useScript,
		look: func(s *situation) []string {
			return when(s.byAgent() && s.was.Instance.MetadataTokens, "tokens are required")
		},
	},
	{
		id: "windows-sysprep", title: "its user data runs Sysprep", look: sysprepInUserData,
		flag: "--accept-sysprep", usage: "the user data of the Windows instance may run Sysprep again",
		instead: "A launch agent that makes a new password may run user data anew, and Sysprep makes the machine a stranger to its domain and to" +
			" itself: stop the instance, take it out of the user data, and run again",
	},
	{
		id: "windows-user-data", title: "its user data may run again", note: true, look: userDataTasks,
		instead: "Whether it does depends on the launch agent and its settings. If it must not, stop the instance and change its user data before the rescue",
	},
	{
		id: "windows-tpm", title: "it has a NitroTPM", note: true,
		instead: "If BitLocker encrypts its root volume by that, the helper cannot read it, and everything is taken back",
		look: func(s *situation) []string {
			return when(s.windows() && s.was.Instance.TPM, "BitLocker may use it")
		},
	},
	{
		id: "windows-force-stop", title: "the power of a Windows machine is not cut",
		instead: "That would tear its registry, and the helper would then refuse the volume: leave --force-stop out",
		look: func(s *situation) []string {
			return when(s.windows() && s.ask.Accepts("force-stop") && s.stops(), "--force-stop was given")
		},
	},
}

// useScript is the way out where a launch agent cannot tell the password.
const useScript = "give an RSA key of yours with --public-key, and a start-up script encrypts the password to that"

// byAgent tells whether a launch agent is to make the password.
func (s *situation) byAgent() bool { return s.windows() && s.ask.PublicKey == "" }

// unfitKey judges the key that the start-up script encrypts to.
func unfitKey(s *situation) []string {
	if !s.windows() || s.ask.PublicKey == "" {
		return nil
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s.ask.PublicKey))
	if err != nil {
		return when(true, "the public key cannot be read")
	}
	if key, ok := public.(ssh.CryptoPublicKey); ok {
		if own, ok := key.CryptoPublicKey().(*rsa.PublicKey); ok {
			bits := own.N.BitLen()
			return when(bits < 2048 || bits > 4096, "the public key has %d bits", bits)
		}
	}
	return when(true, "the public key is of the type %s", public.Type())
}

// ofSSH are the flags of an ask that only make sense where SSH is.
func (a Ask) ofSSH() []string {
	var flags []string
	for _, f := range []struct {
		flag  string
		given bool
	}{
		{"--user", len(a.Users) > 0},
		{"--keys controller", a.Keys == KeysController},
		{"--key-type", a.KeyType != "" && a.KeyType != "auto"},
		{"--kms-key", a.KMSKey != ""},
		{"--expires", a.Expires != 0},
		{"--revoke-previous", a.RevokePrevious},
		{"--accept-unknown", a.AcceptUnknown},
		{"--verify always", a.Verify == VerifyAlways},
	} {
		if f.given {
			flags = append(flags, f.flag)
		}
	}
	return flags
}

func (s *situation) windows() bool { return s.was.Instance.Platform == Windows }

// gatherWindows asks for what only matters to a Windows instance.
func gatherWindows(ctx context.Context, _ *Controller, cloud Cloud, s *situation) (err error) {
	if !s.windows() {
		return nil
	}
	if name := s.was.Instance.KeyName; name != "" {
		s.keyPair, err = cloud.KeyPair(ctx, name)
		if s.noKeyPair = is(err, NotFound); err != nil && !s.noKeyPair {
			return err
		}
	}
	if s.stops() {
		managed, err := cloud.Managed(ctx, s.was.Instance.ID)
		if err != nil {
			return err
		}
		s.online = len(managed) > 0 && managed[0].Online
	}
	if s.userData, err = cloud.UserData(ctx, s.was.Instance.ID); err == nil {
		s.userWords = userdata.Describe(s.userData)
	}
	return err
}

// readers are the agents that may read user data. Which one is there is known
// only when the volume is looked at.
var readers = []agentconf.Agent{agentconf.EC2LaunchV2, agentconf.EC2LaunchV1, agentconf.EC2Config}

func sysprepInUserData(s *situation) []string {
	if !s.byAgent() {
		return nil // the script has no agent run anything anew
	}
	for _, agent := range readers {
		if agentconf.ReadUserData(agent, true, s.userData).Sysprep {
			return when(true, "it names sysprep")
		}
	}
	return nil
}

// userDataTasks names what the user data runs, by the agent that runs most.
// Never its text: scripts hold secrets.
func userDataTasks(s *situation) []string {
	var most []string
	if !s.byAgent() {
		return nil
	}
	for _, agent := range readers {
		read := agentconf.ReadUserData(agent, true, s.userData)
		var tasks []string
		for _, t := range read.Tasks {
			if read.Runs {
				tasks = append(tasks, offline.Printable(fmt.Sprintf("%s (%s)", strings.TrimSpace(t.Name+" "+t.What), t.Frequency)))
			}
		}
		if len(tasks) > len(most) {
			most = tasks
		}
	}
	return when(len(most) > 0, "it has %s", strings.Join(most, ", "))
}
