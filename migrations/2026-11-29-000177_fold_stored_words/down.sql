-- The words of before are no worse: who looks for one of these texts by it does not find it until it is written anew.
SELECT;
