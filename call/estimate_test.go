package call

import (
	"testing"

	"hotline/acd"
)

func TestRulesAreSuggestedOnlyWhenTheRatingsAreFarFromThem(t *testing.T) {
	for _, tt := range []struct {
		prior, weight float64
		rules         acd.GradeRules
		want          bool
	}{
		{4.1, 7, acd.GradeRules{}, false}, {4.3, 7, acd.GradeRules{}, true}, {4.0, 12, acd.GradeRules{}, true}, {4.0, 3, acd.GradeRules{}, true},
		{4.3, 12, acd.GradeRules{Prior: 4.4, PriorWeight: 11}, false}, {3.5, 6, acd.GradeRules{Prior: 9}, true},
	} {
		if got := farOff(acd.Estimate{Prior: tt.prior, PriorWeight: tt.weight}, tt.rules); got != tt.want {
			t.Errorf("estimate %v with weight %v against %+v: far off %v, want %v", tt.prior, tt.weight, tt.rules, got, tt.want)
		}
	}
}
