package e2e

import (
	"encoding/base64"
	"os"
	"strings"
)

// windowsRefusals are what stands in the way of a Windows instance alone.
var windowsRefusals = map[string]refusal{
	"Windows, key is not RSA":        {create: windowsOf("any"), make: ownKey("ed25519"), risks: one("windows-public-key")},
	"Windows, key is too short":      {create: windowsOf("any"), make: ownKey("rsa", "-b", "1024"), risks: one("windows-public-key")},
	"Windows, asked as Linux":        {create: windowsOf("any"), make: ownKey("rsa", "-b", "2048"), flags: []string{"--user", "admin", "--expires", "24h"}, risks: one("windows-not-for")},
	"no Windows":                     {flags: []string{"--windows-agent", "ec2config"}, risks: one("not-windows")},
	"Windows, no key pair":           {create: windowsOf(""), risks: one("windows-no-key-pair")},
	"Windows, key pair deleted":      {create: windowsOf("gone"), risks: one("windows-key-pair-gone")},
	"Windows, key pair is ED25519":   {with: pair("ed25519"), risks: one("windows-key-pair-type")},
	"Windows, metadata service off":  {with: pair("rsa"), make: metadata("HttpEndpoint=disabled"), risks: one("windows-metadata-off")},
	"Windows, sysprep in user data":  {with: pair("rsa"), create: one("--stopped"), make: userData("<powershell>\nC:\\Windows\\System32\\Sysprep\\sysprep.exe /generalize\n</powershell>"), risks: one("windows-sysprep")},
	"Windows, sysprep in YAML":       {with: pair("rsa"), create: one("--stopped"), make: userData("version: 1.1\ntasks:\n- task: sysprep\n"), risks: one("windows-sysprep")},
	"Windows, power is not cut":      {with: pair("rsa"), flags: one("--force-stop"), risks: one("windows-force-stop")},
	"Windows, several, and no image": {create: windowsOf(""), make: metadata("HttpEndpoint=disabled"), flags: []string{"--helper-ami", "ami-00000000000000000"}, risks: []string{"windows-no-key-pair", "windows-metadata-off", "helper-image"}},
}

func windowsOf(keyName string) []string {
	flags := []string{"--platform", "windows"}
	if keyName != "" {
		flags = append(flags, "--key-name", keyName)
	}
	return flags
}

// pair makes a key pair of EC2's and a Windows instance with it.
func pair(kind string) func(*lab) []string {
	return func(l *lab) []string {
		name := strings.ReplaceAll(l.t.Name(), "/", "-")
		l.ec2("CreateKeyPair", "KeyName="+name, "KeyType="+kind)
		return windowsOf(name)
	}
}

// ownKey gives reset a public key.
func ownKey(kind string, args ...string) func(*lab, string) []string {
	return func(l *lab, _ string) []string {
		l.t.Helper()
		path := l.t.TempDir() + "/key"
		l.must(0, "ssh-keygen", append([]string{"-q", "-N", "", "-C", "", "-f", path, "-t", kind}, args...)...)
		public, err := os.ReadFile(path + ".pub")
		if err != nil {
			l.t.Fatal(err)
		}
		return []string{"--public-key", strings.TrimSpace(string(public))}
	}
}

// metadata sets options of the metadata service.
func metadata(option string) func(*lab, string) []string {
	return func(l *lab, id string) []string {
		l.ec2("ModifyInstanceMetadataOptions", "InstanceId="+id, option)
		return nil
	}
}

// userData is what a stopped instance is to run.
func userData(text string) func(*lab, string) []string {
	return func(l *lab, id string) []string {
		l.awaitState(id, "stopped")
		l.ec2("ModifyInstanceAttribute", "InstanceId="+id, "UserData.Value="+base64.StdEncoding.EncodeToString([]byte(text)))
		return nil
	}
}
