from lab.build import main

raise SystemExit(main())
