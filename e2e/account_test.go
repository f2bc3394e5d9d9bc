package e2e

import (
	"context"
	"encoding/xml"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ec2 asks EC2 with curl, which signs requests too and starts thirty times faster
// than the AWS CLI. parameters are NAME=VALUE.
func (l *lab) ec2(action string, parameters ...string) string {
	l.t.Helper()
	args := []string{"--silent", "--show-error", "--fail-with-body", "--max-time", "60", "--config", "-", "http://" + l.listen, "--data-urlencode", "Action=" + action, "--data-urlencode", "Version=2016-11-15"}
	for _, p := range parameters {
		args = append(args, "--data-urlencode", p)
	}
	cmd := l.command(context.Background(), nil, "curl", args...) // cleanups ask, too
	var id, secret, region string
	for _, e := range l.env {
		switch name, value, _ := strings.Cut(e, "="); name {
		case "AWS_ACCESS_KEY_ID":
			id = value
		case "AWS_SECRET_ACCESS_KEY":
			secret = value
		case "AWS_REGION":
			region = value
		}
	}
	cmd.Stdin = strings.NewReader(fmt.Sprintf("aws-sigv4 = \"aws:amz:%s:ec2\"\nuser = \"%s:%s\"\n", region, id, secret))
	r := l.wait(cmd)
	if r.code != 0 {
		l.t.Fatalf("%s %q: %s%s", action, parameters, r.stdout, r.stderr)
	}
	return r.stdout
}

// described is as much of DescribeInstances as the tests themselves need.
type described struct {
	State   string   `xml:"reservationSet>item>instancesSet>item>instanceState>name"`
	Address string   `xml:"reservationSet>item>instancesSet>item>ipAddress"`
	Volumes []string `xml:"reservationSet>item>instancesSet>item>blockDeviceMapping>item>ebs>volumeId"`
}

func (l *lab) describe(id string) (d described) {
	l.t.Helper()
	if err := xml.Unmarshal([]byte(l.ec2("DescribeInstances", "InstanceId.1="+id)), &d); err != nil {
		l.t.Fatal(err)
	}
	return d
}

// address is where an instance can be reached, by the account.
func (l *lab) address(id string) string {
	l.t.Helper()
	return l.describe(id).Address
}

// awaitSSH waits until an instance runs and its sshd says its name.
func (l *lab) awaitSSH(id string) {
	l.t.Helper()
	said := ""
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		d := l.describe(id)
		if said = "it is " + d.State; d.State != "running" || d.Address == "" {
			continue
		}
		var err error
		if err = greets(d.Address); err == nil {
			return
		}
		said = err.Error()
	}
	l.t.Fatalf("instance %s cannot be reached: %s", id, said)
}

func greets(address string) error {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(address, "22"), time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	name := make([]byte, 4)
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	if _, err = conn.Read(name); err == nil && string(name) != "SSH-" {
		err = fmt.Errorf("there is no sshd, but something that says %q", name)
	}
	return err
}

// description is all that EC2 tells of an instance, its attributes and its root
// volume, a line each, without what a stop and start changes rightly.
func (l *lab) description(id string) string {
	l.t.Helper()
	parts := []string{l.ec2("DescribeInstances", "InstanceId.1="+id)}
	for _, name := range []string{"disableApiStop", "disableApiTermination", "instanceInitiatedShutdownBehavior"} {
		parts = append(parts, l.ec2("DescribeInstanceAttribute", "InstanceId="+id, "Attribute="+name))
	}
	parts = append(parts, l.ec2("DescribeVolumes", "Filter.1.Name=attachment.instance-id", "Filter.1.Value.1="+id))
	text := strings.Join(parts, "\n")
	for _, name := range changing {
		text = regexp.MustCompile("<"+name+">.*?</"+name+">").ReplaceAllString(text, "")
	}
	return strings.ReplaceAll(text, "><", ">\n<")
}

// changing are the elements that a stop and start changes: times, the automatic
// public address, and why it is in its state.
var changing = []string{
	"requestId", "launchTime", "attachTime", "usageOperationUpdateTime", "stateReason", "reason", "ipAddress", "publicIp", "dnsName", "publicDnsName",
}

// remains are the loop devices, mounts and processes of this host that have to do
// with a directory.
func remains(t testing.TB, dir string) (left []string) {
	t.Helper()
	loops, err := exec.Command("losetup", "--list", "--noheadings", "--output", "NAME,BACK-FILE").Output()
	if err != nil {
		t.Fatal(err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(loops) + string(mounts)) {
		if strings.Contains(line, dir) {
			left = append(left, strings.TrimSpace(line))
		}
	}
	for pid, words := range processes(t) {
		if strings.Contains(strings.Join(words, " "), dir) {
			left = append(left, fmt.Sprint(pid, " ", words))
		}
	}
	return left
}

// processes are those of this host, those in machines among them: what they were
// called with, by their ids.
func processes(t testing.TB) map[int][]string {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	all := map[int][]string{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err == nil && len(line) > 0 { // it may be gone
			all[pid] = strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
		}
	}
	return all
}
