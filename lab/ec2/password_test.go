package ec2

import (
	"testing"
	"time"
)

// TestPasswordData: empty at first; then what the newest whole block on the console
// holds, with the time at which it came, until there is another.
func TestPasswordData(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{Platform: "windows"})
	get := func() string {
		x := b.do("GetPasswordData", "InstanceId="+id)
		return x.at("passwordData") + " " + x.at("timestamp")
	}
	b.want("none yet", get(), " 2026-03-01T12:01:00.000Z")
	b.host.write(id, "Username: Administrator\n<Password>\nAAAA")
	b.pass(time.Minute)
	b.want("half", get(), " 2026-03-01T12:02:00.000Z")
	b.host.write(id, "BBBB\n</Password>\n")
	b.pass(time.Minute)
	b.want("whole", get(), "AAAABBBB 2026-03-01T12:03:00.000Z")
	b.do("StopInstances", "InstanceId.1="+id)
	b.pass(time.Minute)
	b.do("StartInstances", "InstanceId.1="+id)
	b.kill()
	b.pass(time.Minute)
	b.want("old, after a stop and a restart", get(), "AAAABBBB 2026-03-01T12:03:00.000Z")
	b.host.write(id, "<Password>CCCC</Password>\n")
	b.pass(time.Minute)
	b.want("new", get(), "CCCC 2026-03-01T12:06:00.000Z")
	linux := b.guest(Spec{})
	b.host.write(linux, "<Password>CCCC</Password>\n")
	b.want("linux", b.do("GetPasswordData", "InstanceId="+linux).at("passwordData"), "")
	b.wantChecks(b.checks("GetPasswordData", "InstanceId="+id), "ec2:GetPasswordData 123456789012:instance/"+id)
}

// TestUserData is shown, and changed while the instance is stopped.
func TestUserData(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{Platform: "windows"})
	shown := func() string {
		return b.do("DescribeInstanceAttribute", "InstanceId="+id, "Attribute=userData").at("userData/value")
	}
	b.want("none", shown(), "")
	b.fails("IncorrectInstanceState", "ModifyInstanceAttribute", "InstanceId="+id, "UserData.Value=aGVsbG8=")
	b.do("StopInstances", "InstanceId.1="+id)
	b.pass(time.Minute)
	b.do("ModifyInstanceAttribute", "InstanceId="+id, "UserData.Value=aGVsbG8=")
	b.want("some", shown(), "aGVsbG8=")
	b.do("ModifyInstanceAttribute", "InstanceId="+id, "DisableApiStop.Value=true")
	b.want("left alone", shown(), "aGVsbG8=")
	b.do("ModifyInstanceAttribute", "InstanceId="+id, "Attribute=userData", "Value=")
	b.want("blanked", shown(), "")
	b.fails("InvalidParameterValue", "ModifyInstanceAttribute", "InstanceId="+id, "UserData.Value=!")
}

// TestMetadataOptions are changed one by one.
func TestMetadataOptions(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{})
	b.want("tokens", b.instance(id, "metadataOptions/httpTokens"), "required")
	x := b.do("ModifyInstanceMetadataOptions", "InstanceId="+id, "HttpTokens=optional", "HttpPutResponseHopLimit=3")
	b.want("answer", x.at("instanceMetadataOptions/state")+" "+x.at("instanceMetadataOptions/httpTokens"), "pending optional")
	b.do("ModifyInstanceMetadataOptions", "InstanceId="+id, "HttpEndpoint=disabled")
	for field, want := range map[string]string{"state": "applied", "httpTokens": "optional", "httpPutResponseHopLimit": "3", "httpEndpoint": "disabled", "instanceMetadataTags": "disabled"} {
		b.want(field, b.instance(id, "metadataOptions/"+field), want)
	}
	for _, wrong := range []string{"HttpTokens=maybe", "HttpEndpoint=on", "InstanceMetadataTags=x", "HttpPutResponseHopLimit=65"} {
		b.fails("InvalidParameterValue", "ModifyInstanceMetadataOptions", "InstanceId="+id, wrong)
	}
	b.do("TerminateInstances", "InstanceId.1="+id)
	b.fails("IncorrectInstanceState", "ModifyInstanceMetadataOptions", "InstanceId="+id)
}
