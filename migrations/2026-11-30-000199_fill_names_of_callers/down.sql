-- The words of before are no worse: a conversation is found by a name more.
SELECT;
