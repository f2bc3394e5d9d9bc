package ec2

import (
	"cmp"
	"context"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

func (e *EC2) describeInstanceAttribute(_ context.Context, r *request) (any, error) {
	id, name := r.Require("InstanceId"), r.Require("Attribute")
	if err := r.end(); err != nil {
		return nil, err
	}
	var value any
	err := e.look(func(a *account, now time.Time) error {
		i, err := a.instance(id)
		if err != nil {
			return err
		}
		shown := e.instanceItem(a, i, now)
		value = map[string]any{
			"disableApiStop": i.NoStop, "disableApiTermination": i.NoTerminate, "instanceInitiatedShutdownBehavior": i.Shutdown,
			"rootDeviceName": i.RootDevice, "instanceType": i.Type, "userData": item{{"value?", i.UserData}}, "blockDeviceMapping": shown.get("blockDeviceMapping"),
			"groupSet": shown.get("groupSet"), "productCodes": shown.get("productCodes"),
		}[name]
		return nil
	})
	switch value.(type) {
	case string, bool:
		value = item{{"value", value}}
	case nil:
		if err == nil {
			err = wire.Faultf("InvalidParameterValue", "Value (%s) for parameter attribute is invalid. Unknown attribute.", name)
		}
	}
	return item{{"instanceId", id}, {name, value}}, err
}

// modifyInstanceAttribute changes one attribute, named directly or as Attribute
// and Value.
func (e *EC2) modifyInstanceAttribute(_ context.Context, r *request) (any, error) {
	name, value := r.String("Attribute"), r.String("Value")
	noStop, noTerminate := r.value("DisableApiStop"), r.value("DisableApiTermination")
	shutdown := r.Sub("InstanceInitiatedShutdownBehavior").String("Value")
	userData := r.blob("UserData")
	removes := map[string]bool{}
	for _, d := range r.List("BlockDeviceMapping") {
		removes[d.Require("DeviceName")] = d.Sub("Ebs").Bool("DeleteOnTermination")
		d.Sub("Ebs").String("VolumeId")
	}
	yes := value == "true"
	switch name {
	case "", "blockDeviceMapping":
	case "disableApiStop":
		noStop = &yes
	case "disableApiTermination":
		noTerminate = &yes
	case "instanceInitiatedShutdownBehavior":
		shutdown = value
	case "userData":
		userData = &value
	default:
		r.Fail(wire.Faultf("InvalidParameterValue", "The lab does not change the attribute %s.", name))
	}
	if shutdown != "" && shutdown != "stop" && shutdown != "terminate" {
		r.Fail(wire.Faultf("InvalidParameterValue", "Invalid value '%s' for shutdownBehavior", shutdown))
	}
	if userData != nil {
		r.checkUserData(*userData)
	}
	return actOn(e, r, "InstanceId", (*account).instance, func(a *account, i *instance, _ time.Time) (any, error) {
		switch {
		case i.State == terminated:
			return nil, wire.Faultf("IncorrectInstanceState", "The instance '%s' is not in a valid state for this operation.", i.ID)
		case userData != nil && i.State != stopped:
			return nil, wire.Faultf("IncorrectInstanceState", "The instance '%s' is not in the 'stopped' state.", i.ID)
		case userData != nil:
			i.UserData = *userData
		}
		set(&i.NoStop, noStop)
		set(&i.NoTerminate, noTerminate)
		i.Shutdown = cmp.Or(shutdown, i.Shutdown)
		for _, v := range a.volumesOf(i) {
			if remove, ok := removes[v.Attachment.Device]; ok {
				v.Attachment.DeleteOnTermination = remove
				delete(removes, v.Attachment.Device)
			}
		}
		if len(removes) > 0 {
			return nil, wire.Faultf("InvalidInstanceAttributeValue", "No device is currently mapped at one of the given device names of instance '%s'", i.ID)
		}
		return done, nil
	})
}
