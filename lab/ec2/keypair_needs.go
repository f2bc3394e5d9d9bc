package ec2

import "cmp"

// newKeyPairNeeds asks about a pair that is to be made: IAM names it by its name.
func newKeyPairNeeds(_ *EC2, _ *account, r *request, q *asking) {
	tags := r.tagsAtCreation("key-pair")["key-pair"]
	named := map[string][]string{"ec2:KeyPairName": one(r.String("KeyName"))}
	if r.action == "CreateKeyPair" {
		named["ec2:KeyPairType"] = one(cmp.Or(r.String("KeyType"), "rsa"))
	}
	q.ask("ec2:"+q.action, q.e.arn(keyPairKind.name, r.String("KeyName")), merge(named, requestTags(tags)))
	if len(tags) > 0 {
		q.ask("ec2:CreateTags", q.e.arn(keyPairKind.name, r.String("KeyName")), merge(requestTags(tags), map[string][]string{"ec2:CreateAction": {q.action}}))
	}
}

// keyPairNeeds asks about a pair that is there, however it is named.
func keyPairNeeds(_ *EC2, a *account, r *request, q *asking) {
	q.keyPair(cmp.Or(a.KeyPairs[r.String("KeyPairId")], a.keyPairNamed(r.String("KeyName"))))
}

// keyPair asks about a pair, if there is one.
func (q *asking) keyPair(k *keyPair) {
	if k != nil {
		named := map[string][]string{"ec2:KeyPairName": one(k.Name), "ec2:KeyPairType": one(k.Type)}
		q.ask("ec2:"+q.action, q.e.arn(keyPairKind.name, k.Name), merge(named, q.a.tagKeysOf(k.ID)))
	}
}
