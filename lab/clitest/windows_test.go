package clitest

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/hive"
	"github.com/seed-77750964/regain/lab"
	"github.com/seed-77750964/regain/lab/ec2"
)

const windowsSystem = `
[Select]
Current = dword:1
[ControlSet001\Control\ProductOptions]
ProductType = sz:ServerNT
[ControlSet001\Services\Ec2Config]
Start = dword:2
`

const windowsSoftware = `
[Microsoft\Windows NT\CurrentVersion]
ProductName = sz:Windows Server 2012 R2 Standard
CurrentBuild = sz:9600
[Microsoft\Windows\CurrentVersion\Setup\State]
ImageState = sz:IMAGE_STATE_COMPLETE
`

const windowsSettings = `<?xml version="1.0" standalone="yes"?>
<Ec2ConfigurationSettings><Plugins><Plugin><Name>Ec2SetPassword</Name><State>Enabled</State></Plugin></Plugins></Ec2ConfigurationSettings>`

// windowsImage is a Windows Server 2012 R2 that is armed to make a password.
func windowsImage(t *testing.T) string {
	t.Helper()
	testdisk.Need(t, "lowntfs-3g", "ntfs-3g", "mkntfs", "hivexregedit", "openssl")
	dir := t.TempDir()
	files := map[string]string{"Program Files/Amazon/Ec2ConfigService/Ec2Config.exe": "MZ", "Program Files/Amazon/Ec2ConfigService/Settings/Config.xml": windowsSettings}
	for name, description := range map[string]string{"SYSTEM": windowsSystem, "SOFTWARE": windowsSoftware} {
		hive.Create(t, filepath.Join(dir, name), description)
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files["Windows/System32/config/"+name] = string(data)
	}
	path := filepath.Join(dir, "windows.raw")
	_, err := testdisk.NewNTFSDisk(t.Context(), path, 96<<20, func(root string) error {
		for name, data := range files {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(root, name), []byte(data), 0o644); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// keyPair makes one with the CLI, and keeps the private half in a file.
func (c cli) keyPair(name string) string {
	c.t.Helper()
	path := filepath.Join(c.t.TempDir(), name+".pem")
	if err := os.WriteFile(path, []byte(c.get("KeyMaterial", "ec2", "create-key-pair", "--key-name", name)), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// password waits for an instance's, and has both the CLI and openssl decrypt it.
func (c cli) password(id, key string) string {
	c.t.Helper()
	c.becomes("~.", "PasswordData", "ec2 GetPasswordData", object{"InstanceId": id})
	password := c.get("PasswordData", "ec2", "get-password-data", "--instance-id", id, "--priv-launch-key", key)
	sealed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(c.get("PasswordData", "ec2", "get-password-data", "--instance-id", id)))
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.CommandContext(c.t.Context(), "openssl", "pkeyutl", "-decrypt", "-inkey", key)
	cmd.Stdin = strings.NewReader(string(sealed))
	if out, err := cmd.Output(); err != nil || string(out) != password || len(password) < 12 {
		c.t.Errorf("openssl decrypts %q, the CLI %q: %v", out, password, err)
	}
	return password
}

func (c cli) opens(id, password string, want bool) {
	c.t.Helper()
	v, err := c.lab.CheckPassword(c.t.Context(), lab.Attempt{ID: id, Password: password})
	if err != nil || v.Opens != want {
		c.t.Errorf("the password of %s: %+v, %v, want %v", id, v, err, want)
	}
}

// TestWindows: an instance makes a password for its key pair, and one that is launched
// from its image, for another.
func TestWindows(t *testing.T) {
	t.Parallel()
	image := windowsImage(t)
	faults := filepath.Join(t.TempDir(), "faults.yaml")
	a := openWith(t, lab.Config{Boot: "sshd", FaultsFile: faults})
	c := cli{a, t, &story{client: a.client(t), kept: map[string]string{}, t: t}}
	key, other := c.keyPair("ops"), c.keyPair("other")
	made, err := a.lab.CreateInstance(t.Context(), ec2.Spec{Image: image, Platform: "windows", KeyName: "ops", Stopped: true})
	if err != nil {
		t.Fatal(err)
	}
	ami := c.get("ImageId", "ec2", "create-image", "--instance-id", made.ID, "--name", "armed")
	c.run("ec2", "start-instances", "--instance-ids", made.ID)
	c.instanceBecomes("running", made.ID)
	c.opens(made.ID, "", false)
	password := c.password(made.ID, key)
	c.opens(made.ID, password, true)
	c.opens(made.ID, password+"x", false)
	c.is("~Ec2SetPassword: Enabled", "Output", "ec2", "get-console-output", "--instance-id", made.ID)

	c.becomes("available", "Images.0.State", "ec2 DescribeImages", object{"ImageIds": []string{ami}})
	c.is("windows", "Images.0.Platform", "ec2", "describe-images", "--image-ids", ami)
	second := c.get("Instances.0.InstanceId", "ec2", "run-instances", "--image-id", ami, "--instance-type", "t3.micro", "--key-name", "other")
	another := c.password(second, other)
	c.opens(second, another, true)
	c.opens(second, password, false)
	c.opens(made.ID, password, true)

	c.run("ec2", "stop-instances", "--instance-ids", made.ID)
	c.instanceBecomes("stopped", made.ID)
	c.opens(made.ID, password, false)
	c.run("ec2", "start-instances", "--instance-ids", made.ID)
	c.instanceBecomes("running", made.ID)
	c.opens(made.ID, password, true)
	c.faultsWork(faults, made.ID)
}

// faultsWork: the calls for Windows can be spoilt as all others.
func (c cli) faultsWork(file, id string) {
	c.t.Helper()
	rules := "- {action: GetPasswordData, kind: throttle}\n- {action: DescribeKeyPairs, kind: error, code: InternalError, status: 500, message: sorry}\n" +
		"- {action: GetConsoleOutput, resource: " + id + ", kind: error, code: UnauthorizedOperation, status: 403, message: no}\n"
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		c.t.Fatal(err)
	}
	for call, params := range map[string]object{"GetPasswordData": {"InstanceId": id}, "DescribeKeyPairs": {}, "GetConsoleOutput": {"InstanceId": id}} {
		want := map[string]string{"GetPasswordData": "RequestLimitExceeded", "DescribeKeyPairs": "InternalError", "GetConsoleOutput": "UnauthorizedOperation"}[call]
		c.story.tell([]step{{call: "ec2 " + call, params: params, fault: want}, {call: "ec2 " + call, params: params}})
	}
}
