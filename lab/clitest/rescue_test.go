package clitest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/lab/ec2"
)

// A cli is the AWS CLI in a test.
type cli struct {
	*account
	t     *testing.T
	story *story
}

func (c cli) run(args ...string) any {
	c.t.Helper()
	return c.cli(c.t, args...)
}

// get is a field of an answer.
func (c cli) get(path string, args ...string) string {
	c.t.Helper()
	have := at(c.run(args...), path)
	if have == nil {
		c.t.Fatalf("aws %q: there is no %s", args, path)
	}
	return fmt.Sprint(have)
}

func (c cli) is(want, path string, args ...string) {
	c.t.Helper()
	if have := at(c.run(args...), path); !matches(have, want) {
		c.t.Errorf("aws %q: %s is %v, want %s", args, path, have, want)
	}
}

// becomes waits until a field is as wanted. It asks with botocore, since each call of
// the CLI takes most of a second.
func (c cli) becomes(want, path, call string, params object) {
	c.t.Helper()
	c.story.tell([]step{{call: call, params: params, want: map[string]any{path: want}, until: true}})
}

func (c cli) instanceBecomes(state, id string) {
	c.t.Helper()
	c.becomes(state, "Reservations.0.Instances.0.State.Name", "ec2 DescribeInstances", object{"InstanceIds": []string{id}})
}

func (c cli) volumeBecomes(state, path, id string) {
	c.t.Helper()
	c.becomes(state, path, "ec2 DescribeVolumes", object{"VolumeIds": []string{id}})
}

func (c cli) refused(code string, args ...string) {
	c.t.Helper()
	if out, err := c.tryCLI(c.t, args...); err == nil || !strings.Contains(err.Error(), "("+code+")") {
		c.t.Errorf("aws %q: %v, %v; want %s", args, out, err, code)
	}
}

// TestRescueByCLI does by hand, with nothing but the AWS CLI, what a rescue does: it
// moves the root volume of an instance to a helper, changes it there, keeps a secret
// in Parameter Store, and brings the instance home. The helper's own CLI signs with
// the role that the metadata service gives it.
func TestRescueByCLI(t *testing.T) {
	t.Parallel()
	a := open(t)
	c := cli{a, t, &story{client: a.client(t), t: t}}
	target := a.create(t, ec2.Spec{Tags: map[string]string{"Name": "locked"}})

	c.is("123456789012", "Account", "sts", "get-caller-identity")
	c.is("regain-helper", "InstanceProfile.Roles.0.RoleName", "iam", "get-instance-profile", "--instance-profile-name", "regain-helper")
	c.is("5", "Quota.Value", "service-quotas", "get-service-quota", "--service-code", "vpc", "--quota-code", "L-F678F1CE")
	c.is("0", "AutoScalingInstances.#", "autoscaling", "describe-auto-scaling-instances", "--instance-ids", target)
	c.is("alias/aws/ebs", "Aliases.0.AliasName", "kms", "list-aliases")

	bucket := "regain-123456789012-us-east-1"
	script := filepath.Join(a.dir, "script")
	if err := os.WriteFile(script, []byte("echo from the bucket\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.is("~.", "ETag", "s3api", "put-object", "--bucket", bucket, "--key", "run/script", "--body", script, "--checksum-algorithm", "SHA256")
	if text := presigned(t, c, bucket, "run/script"); text != "echo from the bucket\n" {
		t.Errorf("presigned: %q", text)
	}

	helper := launch(c)
	c.instanceBecomes("running", target)
	root := c.get("Reservations.0.Instances.0.BlockDeviceMappings.0.Ebs.VolumeId", "ec2", "describe-instances", "--instance-ids", target)
	c.refused("OperationNotPermitted", "ec2", "detach-volume", "--volume-id", root)
	c.run("ec2", "stop-instances", "--instance-ids", target)
	c.instanceBecomes("stopped", target)
	c.move(root, helper, "/dev/sdf")
	c.refused("VolumeInUse", "ec2", "attach-volume", "--volume-id", root, "--instance-id", target, "--device", "/dev/xvda")

	name := "/ec2rl/openssh/" + target + "/key"
	change(c, helper, root, name)

	c.move(root, target, "/dev/xvda")
	c.run("ec2", "modify-instance-attribute", "--instance-id", target, "--block-device-mappings", `[{"DeviceName":"/dev/xvda","Ebs":{"DeleteOnTermination":true}}]`)
	c.run("ec2", "start-instances", "--instance-ids", target)
	c.instanceBecomes("running", target)
	c.is("made on the helper", "Parameter.Value", "ssm", "get-parameter", "--name", name, "--with-decryption")
	c.run("ec2", "terminate-instances", "--instance-ids", helper)
	c.instanceBecomes("terminated", helper)
	c.run("s3api", "delete-object", "--bucket", bucket, "--key", "run/script")
	c.refused("404", "s3api", "head-object", "--bucket", bucket, "--key", "run/script")
}

// launch starts a helper and waits until Systems Manager reaches it.
func launch(c cli) string {
	c.t.Helper()
	ami := c.get("Parameter.Value", "ssm", "get-parameter", "--name", "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64")
	helper := c.get("Instances.0.InstanceId", "ec2", "run-instances", "--image-id", ami, "--instance-type", "t3.micro",
		"--iam-instance-profile", "Name=regain-helper", "--metadata-options", "HttpTokens=required,HttpPutResponseHopLimit=1",
		"--tag-specifications", "ResourceType=instance,Tags=[{Key=run,Value=cli}]")
	c.becomes("Online", "InstanceInformationList.0.PingStatus", "ssm DescribeInstanceInformation", object{"Filters": []object{{"Key": "InstanceIds", "Values": []string{helper}}}})
	return helper
}

// move takes a volume from where it is attached to an instance.
func (c cli) move(volume, instance, device string) {
	c.t.Helper()
	c.run("ec2", "detach-volume", "--volume-id", volume)
	c.volumeBecomes("available", "Volumes.0.State", volume)
	c.run("ec2", "attach-volume", "--volume-id", volume, "--instance-id", instance, "--device", device)
	c.volumeBecomes("attached", "Volumes.0.Attachments.0.State", volume)
	c.is(instance, "Volumes.0.Attachments.0.InstanceId", "ec2", "describe-volumes", "--volume-ids", volume)
}

// change has the helper write to the volume, and a secret to Parameter Store.
func change(c cli, helper, volume, name string) {
	c.t.Helper()
	link := "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_" + strings.Replace(volume, "-", "", 1)
	script := filepath.Join(c.dir, "change.json")
	text := fmt.Sprintf(`{"commands": [
		"set -e",
		"printf 'changed by the helper' | dd of=%s conv=notrunc,fsync status=none",
		"%s --endpoint-url \"$AWS_ENDPOINT_URL\" --region \"$AWS_REGION\" ssm put-parameter --name %s --type SecureString --value 'made on the helper'"
	]}`, link, aws, name)
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	command := c.get("Command.CommandId", "ssm", "send-command", "--instance-ids", helper, "--document-name", "AWS-RunShellScript", "--parameters", "file://"+script)
	c.becomes("~^(Success|Failed)$", "Status", "ssm GetCommandInvocation", object{"CommandId": command, "InstanceId": helper})
	answer := c.run("ssm", "get-command-invocation", "--command-id", command, "--instance-id", helper)
	if at(answer, "Status") != "Success" || !matches(at(answer, "StandardOutputContent"), "~\"Version\": 1") {
		c.t.Fatalf("the helper: %v", answer)
	}
	data := make([]byte, len("changed by the helper"))
	file, err := os.Open(filepath.Join(c.state, "volumes", volume+".raw"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer file.Close()
	if _, err := io.ReadFull(file, data); err != nil || string(data) != "changed by the helper" {
		c.t.Errorf("the volume holds %q, %v", data, err)
	}
}

// presigned reads an object as anybody does who has the address.
func presigned(t *testing.T, c cli, bucket, key string) string {
	t.Helper()
	cmd := c.command(t, "s3", "presign", "s3://"+bucket+"/"+key)
	to, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSpace(string(to)), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
