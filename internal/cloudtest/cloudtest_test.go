package cloudtest_test

import (
	"testing"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
	"github.com/seed-77750964/regain/internal/cloudtest"
)

// TestCloudInMemory holds the cloud that thousands of rescues are tested on to
// the rules, at once and with the delays of a real account.
func TestCloudInMemory(t *testing.T) {
	for name, delays := range map[string]sim.Delays{"at once": {}, "in time": sim.RealDelays()} {
		t.Run(name, func(t *testing.T) {
			cloudtest.Run(t, func(t *testing.T) cloudtest.World {
				clock := sim.NewClock()
				cloud := sim.New(sim.Options{Clock: clock, Delays: delays})
				found, err := cloud.Subnets(t.Context(), controller.SubnetQuery{ID: sim.SubnetA})
				if err != nil || len(found) != 1 {
					t.Fatal("no subnet", err)
				}
				const bucket = "regain-123456789012-eu-central-1"
				cloud.AddBucket(bucket)
				return cloudtest.World{
					Cloud: cloud, Patient: cloud.AddInstance(sim.Patient{}), Type: "t3.small", Image: "ami-0000000000000amd4",
					Subnet: sim.SubnetA, Profile: sim.Helper, Bucket: bucket, Pass: clock.Pass,
				}
			})
		})
	}
}
