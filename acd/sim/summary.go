package sim

// Summary is several days of one center under one policy: means over the days,
// which differ in their seeds only.
type Summary struct {
	Days      int
	Rating    Stat // mean delivered, in stars
	Wait      Stat // mean of all calls, in seconds; likewise all below
	ASA       Stat
	P95       Stat
	Max       float64 // of all days
	Good      Stat
	Bad       Stat
	Choosers  Stat
	Chosen    Stat // stars
	Within    Stat // shares of calls, 0..1
	Waited    Stat
	Abandon   Stat
	Occupancy Stat
	Spread    Stat    // occupancy's standard deviation between agents
	Least     float64 // occupancy of an agent on any day
	Most      float64
	Calls     int
	Steps     int
	Bounds    Bounds
	Reasons   map[string]int
}

// Days runs the center so many times, with the seeds that follow its own, and
// calls each, unless nil, after each day.
func Days(c Center, days int, each func(Result)) (Summary, error) {
	s := Summary{Reasons: make(map[string]int)}
	for n := range days {
		day := c
		day.Seed = c.Seed + uint64(n)
		r, err := Run(day)
		if err != nil {
			return s, err
		}
		s.Add(r)
		if each != nil {
			each(r)
		}
	}
	return s, nil
}

// Add counts one day in; its Reasons must not be nil.
func (s *Summary) Add(r Result) {
	s.Rating.Add(r.Rating)
	s.Wait.Add(r.Wait.Seconds())
	s.ASA.Add(r.ASA.Seconds())
	s.P95.Add(r.P95.Seconds())
	s.Good.Add(r.Good.Seconds())
	s.Bad.Add(r.Bad.Seconds())
	if r.Choosy > 0 || r.Chosen > 0 {
		s.Choosers.Add(r.Choosy.Seconds())
		s.Chosen.Add(r.Chosen)
	}
	s.Within.Add(r.Within)
	s.Waited.Add(r.Waited)
	s.Abandon.Add(r.Abandon)
	s.Occupancy.Add(r.Occupancy.Mean)
	s.Spread.Add(r.Occupancy.SD)
	if s.Days == 0 {
		s.Least = r.Occupancy.Min
	}
	s.Least = min(s.Least, r.Occupancy.Min)
	s.Most = max(s.Most, r.Occupancy.Max)
	s.Max = max(s.Max, r.Max.Seconds())
	s.Days++
	s.Calls += r.Calls
	s.Steps += r.Steps
	s.Bounds.worst(r.Bounds)
	for why, n := range r.Reasons {
		s.Reasons[why] += n
	}
}
