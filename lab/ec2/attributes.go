package ec2

import (
	"context"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

// attributes are those that DescribeInstanceAttribute knows here.
type attributes struct {
	InstanceID   string        `xml:"instanceId"`
	NoStop       *valueItem    `xml:"disableApiStop"`
	NoTerminate  *valueItem    `xml:"disableApiTermination"`
	Shutdown     *valueItem    `xml:"instanceInitiatedShutdownBehavior"`
	RootDevice   *valueItem    `xml:"rootDeviceName"`
	Type         *valueItem    `xml:"instanceType"`
	UserData     *valueItem    `xml:"userData"`
	Devices      []blockDevice `xml:"blockDeviceMapping>item"`
	Groups       []groupItem   `xml:"groupSet>item"`
	ProductCodes []productCode `xml:"productCodes>item"`
}

type valueItem struct {
	Value string `xml:"value"`
}

func (e *EC2) describeInstanceAttribute(_ context.Context, r *request) (any, error) {
	id, name := r.Require("InstanceId"), r.Require("Attribute")
	if err := r.end(); err != nil {
		return nil, err
	}
	answer := attributes{InstanceID: id}
	return &answer, e.look(func(a *account, _ time.Time) error {
		i, err := a.instance(id)
		if err != nil {
			return err
		}
		item := e.instanceItem(a, i)
		switch name {
		case "disableApiStop":
			answer.NoStop = &valueItem{btoa(i.NoStop)}
		case "disableApiTermination":
			answer.NoTerminate = &valueItem{btoa(i.NoTerminate)}
		case "instanceInitiatedShutdownBehavior":
			answer.Shutdown = &valueItem{i.Shutdown}
		case "rootDeviceName":
			answer.RootDevice = &valueItem{i.RootDevice}
		case "instanceType":
			answer.Type = &valueItem{i.Type}
		case "userData":
			answer.UserData = &valueItem{i.UserData}
		case "blockDeviceMapping":
			answer.Devices = item.BlockDevices
		case "groupSet":
			answer.Groups = item.Groups
		case "productCodes":
			answer.ProductCodes = item.ProductCodes
		default:
			return wire.Faultf("InvalidParameterValue", "Value (%s) for parameter attribute is invalid. Unknown attribute.", name)
		}
		return nil
	})
}

// modifyInstanceAttribute changes one attribute, named directly or as Attribute
// and Value.
func (e *EC2) modifyInstanceAttribute(_ context.Context, r *request) (any, error) {
	id, name, value := r.Require("InstanceId"), r.String("Attribute"), r.String("Value")
	noStop, noTerminate := r.value("DisableApiStop"), r.value("DisableApiTermination")
	shutdown := r.Sub("InstanceInitiatedShutdownBehavior").String("Value")
	devices := r.List("BlockDeviceMapping")
	removes := map[string]bool{}
	for _, d := range devices {
		removes[d.Require("DeviceName")] = d.Sub("Ebs").Bool("DeleteOnTermination")
		d.Sub("Ebs").String("VolumeId")
	}
	yes := value == "true"
	switch name {
	case "":
	case "disableApiStop":
		noStop = &yes
	case "disableApiTermination":
		noTerminate = &yes
	case "instanceInitiatedShutdownBehavior":
		shutdown = value
	case "blockDeviceMapping":
	default:
		r.Fail(wire.Faultf("InvalidParameterValue", "The lab does not change the attribute %s.", name))
	}
	if shutdown != "" && shutdown != "stop" && shutdown != "terminate" {
		r.Fail(wire.Faultf("InvalidParameterValue", "Invalid value '%s' for shutdownBehavior", shutdown))
	}
	return e.act(r, done, func(a *account, _ time.Time) error {
		i, err := a.instance(id)
		if err != nil {
			return err
		}
		if i.State == terminated {
			return wire.Faultf("IncorrectInstanceState", "The instance '%s' is not in a valid state for this operation.", id)
		}
		set(&i.NoStop, noStop)
		set(&i.NoTerminate, noTerminate)
		if shutdown != "" {
			i.Shutdown = shutdown
		}
		return a.setRemoves(i, removes)
	})
}

func (a *account) setRemoves(i *instance, removes map[string]bool) error {
	left := len(removes)
	for _, v := range a.volumesOf(i) {
		if remove, ok := removes[v.Attachment.Device]; ok {
			v.Attachment.DeleteOnTermination = remove
			left--
		}
	}
	if left > 0 {
		return wire.Faultf("InvalidInstanceAttributeValue", "No device is currently mapped at one of the given device names of instance '%s'", i.ID)
	}
	return nil
}
