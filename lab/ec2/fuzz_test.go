package ec2

import (
	"errors"
	"net/url"
	"path"
	"regexp"
	"testing"

	"github.com/seed-77750964/regain/lab/wire"
)

// FuzzRequest makes any call with any parameters: it is answered, or refused with a
// fault, and the account stays one that the service can go on with.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"Action=RunInstances&ImageId=ami-0a12023086064a001&MinCount=1&MaxCount=1&InstanceType=t3.micro",
		"Action=DescribeInstances&Filter.1.Name=tag:x&Filter.1.Value.1=*&MaxResults=5",
		"Action=CreateVolume&AvailabilityZone=us-east-1a&Size=1&TagSpecification.1.ResourceType=volume&TagSpecification.1.Tag.1.Key=k",
		"Action=CreateVpc&CidrBlock=10.0.0.0/16",
		"Action=CreateTags&ResourceId.1=ami-0a12023086064a001&Tag.1.Key=k",
		"Action=ModifyInstanceAttribute&InstanceId=i-1&BlockDeviceMapping.1.Ebs.DeleteOnTermination=maybe",
		"Action=AuthorizeSecurityGroupEgress&IpPermissions.1.Groups.65536.GroupId=x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Skip()
		}
		b := newBench(t)
		c := &wire.Call{Action: values.Get("Action"), Query: values}
		if _, err := b.Checks(t.Context(), c); err != nil {
			t.Errorf("checks: %v", err)
		}
		var fault *wire.Fault
		if _, err := b.Do(t.Context(), c); err != nil && !errors.As(err, &fault) {
			t.Errorf("%q: %v", query, err)
		}
		b.do("DescribeInstances")
		b.kill()
		b.do("DescribeVolumes")
	})
}

// FuzzWildcard compares the patterns of filters with regular expressions.
func FuzzWildcard(f *testing.F) {
	for _, seed := range [][2]string{{"web-*", "web-1"}, {"?", "é"}, {`a\*b`, "a*b"}, {"*a*b*", "xaxbx"}, {`\`, `\`}, {"**", ""}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		expr := `(?s)^`
		runes := []rune(pattern)
		for i := 0; i < len(runes); i++ {
			switch {
			case runes[i] == '*':
				expr += ".*"
			case runes[i] == '?':
				expr += "."
			case runes[i] == '\\' && i+1 < len(runes):
				i++
				expr += regexp.QuoteMeta(string(runes[i]))
			default:
				expr += regexp.QuoteMeta(string(runes[i]))
			}
		}
		want := regexp.MustCompile(expr + "$").MatchString(string([]rune(text)))
		if got := wildcard(pattern, text); got != want {
			t.Errorf("%q matches %q: %v, want %v", pattern, text, got, want)
		}
	})
}

func FuzzDeviceName(f *testing.F) {
	f.Add("/dev/sdf")
	f.Add("xvdba")
	f.Fuzz(func(t *testing.T, name string) {
		if deviceName.MatchString(name) && (path.Clean("/dev/"+path.Base(name)) != "/dev/"+path.Base(name) || len(name) > 12) {
			t.Errorf("%q is a device", name)
		}
	})
}
