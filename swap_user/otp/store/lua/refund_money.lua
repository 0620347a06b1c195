-- uses: budgets
-- Take the charges of a message back that was not sent. args: budgets.
refund(args.budgets)
